/* SPDX-License-Identifier: Apache-2.0 */
/* devices.h - which of a machine's devices a rank uses. */
#ifndef LK_MPI_DEVICES_H
#define LK_MPI_DEVICES_H

/* Where NVIDIA's driver lists the devices of a machine, a folder for each. */
#define DEVICES_OF_DRIVER "/proc/driver/nvidia/gpus"

/* Rank number `rank` of the `ranks` on this machine takes the devices in turn: CUDA_VISIBLE_DEVICES, which CUDA reads when it
 * is first used, is left with one of those it names, or that the driver lists where it is not set. A single rank, or one that
 * its launcher has given a device of its own, is left as it is. */
void devices_share(int rank, int ranks, const char *driver_folder);

#endif
