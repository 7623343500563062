/* SPDX-License-Identifier: Apache-2.0 */
/* versions.c - which programs and which processor made a result. */
#include <archive.h>
#include <hdf5.h>
#include <jansson.h>
#include <jpeglib.h>
#include <openssl/crypto.h>
#include <spng.h>
#include <stdio.h>
#include <string.h>
#include <webp/decode.h>

#include "trust/trust.h"
#include "vision/ort.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static json_t *webp_version(void)
{
    int v = WebPGetDecoderVersion();
    return json_sprintf("%d.%d.%d", v >> 16 & 255, v >> 8 & 255, v & 255);
}

/* libarchive and OpenSSL put more than a number into their text. */
static json_t *without_name(const char *text)
{
    const char *number = strpbrk(text, "0123456789");
    text = number != NULL ? number : text;
    return json_stringn(text, strcspn(text, " "));
}

json_t *lk_trust_versions(void)
{
#ifdef LIBJPEG_TURBO_VERSION
    const char *jpeg = "turbo " TEXT(LIBJPEG_TURBO_VERSION); /* as built: it does not tell at run time */
#else
    const char *jpeg = TEXT(JPEG_LIB_VERSION);
#endif
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:o}", "likeness", lk_version(), "onnxruntime",
                     lk_ort_version(), "libjpeg", jpeg, "libspng", spng_version_string(), "libwebp",
                     webp_version(), "libarchive", without_name(archive_version_string()), "jansson",
                     JANSSON_VERSION, "hdf5", json_sprintf("%u.%u.%u", major, minor, release), "openssl",
                     without_name(OpenSSL_version(OPENSSL_VERSION)));
}

/* The model name in /proc/cpuinfo, which not every architecture has. */
static json_t *processor_name(void)
{
    char line[300], *name = NULL;
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f != NULL && name == NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "model name", 10) == 0 && (name = strchr(line, ':')) != NULL)
            name[strcspn(name, "\n")] = '\0';
    if (f != NULL)
        fclose(f);
    return name != NULL ? lk_json_text(name + 1 + strspn(name + 1, " ")) : json_null();
}

static const char *chosen_level(void)
{
    lk_cpu_level level;
    for (int i = 0; lk_cpu_level_at(i, &level); i++)
        if (level.chosen)
            return level.name;
    return "portable";
}

json_t *lk_trust_machine(const char *cpu_level)
{
    bool forced = cpu_level != NULL && strcmp(cpu_level, "auto") != 0;
    return json_pack("{s:o, s:s}", "processor", processor_name(), "cpu_level",
                     forced ? cpu_level : chosen_level());
}
