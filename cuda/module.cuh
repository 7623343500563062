/* SPDX-License-Identifier: Apache-2.0 */
/* module.cuh - what lies on the device, for the module's host side. */
#ifndef LK_CUDA_MODULE_CUH
#define LK_CUDA_MODULE_CUH

#include <thread>

#include "device.cuh"
#include "upload.cuh"

struct side {
    uint64_t rows = 0, panels = 0, step = 0;
    unsigned n_leads = 0;
    buffer<float> data, leads, scale, error, rest;
    buffer<int8_t> codes;
    buffer<int> best; /* of references: struct known has the words */
    buffer<uint8_t> classes;
    CUtensorMap map;
    struct remainders left() const
    {
        return {scale.at, error.at, rest.at};
    }
};

/* What the jobs of one thread need. Pointers are to the device's memory, into that of all lanes. */
struct lane {
    cudaStream_t stream = nullptr;
    float *list_floors, *known_floors, *floors, *matrix;
    int *seen;
    nominee *nominated;
    unsigned *counts;
    lk_device_pair *found, *kept;
    tally *counted;
    pinned<float> host_floors;
    pinned<lk_device_pair> piece;
    pinned<tally> host_counted;
    std::vector<lk_device_pair> pairs;
    ~lane()
    {
        if (stream != nullptr)
            cudaStreamDestroy(stream);
    }
};

struct lk_device {
    struct abilities abilities = {};
    size_t dim, stride, depth; /* stride, depth: as they lie on the device, filled up with zeros */
    float reach[2], slack;
    double lead_slack, sum_slack;
    uint64_t list_room[2];
    side probes, galleries[2];
    std::vector<lane> lanes;
    buffer<char> lanes_memory;
    std::vector<carrier> carriers;
    struct lk_device_plan plan; /* its pointers are the caller's */
    std::thread waking;         /* and what it came to: */
    lk_status status = LK_OK;
    lk_error error;
    ~lk_device()
    {
        if (waking.joinable())
            waking.join();
    }
};

/* trial.cu: LK_EUNSUP when scan_ampere.cu does not nominate what it should here. */
lk_status try_scan(lk_error *err);

/* jobs.cu */
/* Bytes that the jobs of a thread need on the device. */
size_t lane_bytes(int processors);
lk_status make_lanes(lk_device *d, lk_error *err);
/* struct lk_device_module has the words. */
lk_status begin_block(lk_device *d, const struct lk_device_job *block, lk_error *err);
lk_status scan_job(lk_device *d, const struct lk_device_job *job, struct lk_device_found *out, lk_error *err);

#endif
