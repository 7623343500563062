/* SPDX-License-Identifier: Apache-2.0 */
/* image_jpeg.c - JPEG to RGB and back through libjpeg's classic interface. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/mem.h"
#include "formats/image_codec.h"

/* Real progressive files have some ten scans; thousands of tiny ones keep a decoder busy for hours. */
enum { MAX_SCANS = 100 };

/* Everything that lives across the jump lives here, in the caller's frame. */
struct jpeg {
    struct jpeg_error_mgr errors; /* first: libjpeg hands out its address */
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    lk_status status;
    lk_error *err;
    struct lk_image image;
    uint8_t *line; /* one line of CMYK */
    uint8_t *encoded;
    unsigned long encoded_len;
};

static struct jpeg *of(j_common_ptr info)
{
    return (struct jpeg *)(void *)info->err;
}

static void fail(j_common_ptr info)
{
    struct jpeg *j = of(info);
    char text[JMSG_LENGTH_MAX];
    j->errors.format_message(info, text);
    int code = j->errors.msg_code;
    if (code == JERR_OUT_OF_MEMORY)
        j->status = lk_fail(j->err, LK_ENOMEM, "out of memory while handling a JPEG picture");
    else if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JERR_INPUT_EOF)
        j->status = lk_fail(j->err, LK_EFORMAT, "the JPEG picture is cut off or damaged: %s", text);
    else
        j->status = lk_fail(j->err, LK_EFORMAT, "the JPEG picture is damaged: %s", text);
    longjmp(j->jump, 1);
}

/* libjpeg warns (level -1) about damage that it would paper over: a grey half of a face must not become an
 * embedding. Three warnings leave every pixel as it was meant: a new JFIF version, an unknown Adobe colour
 * transform, and stray bytes between segments, which many pictures of the web have. */
static void message(j_common_ptr info, int level)
{
    int code = info->err->msg_code;
    if (level < 0 && code != JWRN_JFIF_MAJOR && code != JWRN_ADOBE_XFORM && code != JWRN_EXTRANEOUS_DATA)
        fail(info);
}

static void print_nothing(j_common_ptr info)
{
    (void)info;
}

static void watch_scans(j_common_ptr info)
{
    const struct jpeg_decompress_struct *d = (const void *)info;
    if (!info->is_decompressor || d->input_scan_number <= MAX_SCANS)
        return;
    struct jpeg *j = of(info);
    j->status = lk_fail(j->err, LK_EFORMAT, "a progressive JPEG picture with more than %d scans", MAX_SCANS);
    longjmp(j->jump, 1);
}

static struct jpeg_error_mgr *set_errors(struct jpeg *j)
{
    jpeg_std_error(&j->errors);
    j->errors.error_exit = fail;
    j->errors.emit_message = message;
    j->errors.output_message = print_nothing;
    j->progress.progress_monitor = watch_scans;
    return &j->errors;
}

/* ---- decoding -------------------------------------------------------------------------------------- */

static int find_orientation(const struct jpeg_decompress_struct *d)
{
    for (jpeg_saved_marker_ptr m = d->marker_list; m != NULL; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > 6 && memcmp(m->data, "Exif\0", 6) == 0)
            return lk_exif_orientation(m->data, m->data_length);
    return 1;
}

/* Adobe writes CMYK inverted, 255 = no ink; without its mark 255 = full ink. */
static void cmyk_line(const uint8_t *cmyk, uint8_t *rgb, size_t n, int inverted)
{
    unsigned flip = inverted ? 0 : 255;
    for (size_t i = 0; i < n; i++) {
        unsigned black = cmyk[4 * i + 3] ^ flip;
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = (uint8_t)(((cmyk[4 * i + c] ^ flip) * black + 127) / 255);
    }
}

static void refuse(j_common_ptr info, lk_status status)
{
    of(info)->status = status;
    longjmp(of(info)->jump, 1);
}

static void decode_lines(struct jpeg *j, struct jpeg_decompress_struct *d)
{
    size_t width = d->output_width;
    int cmyk = d->out_color_space == JCS_CMYK;
    if (cmyk && (j->line = lk_calloc(width, 4, j->err)) == NULL)
        refuse((j_common_ptr)d, LK_ENOMEM);
    while (d->output_scanline < d->output_height) {
        uint8_t *rgb = j->image.rgb + 3 * width * d->output_scanline;
        JSAMPROW row = cmyk ? j->line : rgb;
        jpeg_read_scanlines(d, &row, 1);
        if (cmyk)
            cmyk_line(j->line, rgb, width, d->saw_Adobe_marker);
    }
}

/* Decodes into j->image, or leaves through the jump with j->status set. */
static lk_status decode(struct jpeg *j, struct jpeg_decompress_struct *d, const uint8_t *bytes, size_t len)
{
    if (setjmp(j->jump) != 0)
        return j->status;
    jpeg_create_decompress(d);
    d->progress = &j->progress;
    jpeg_mem_src(d, bytes, (unsigned long)len);
    jpeg_save_markers(d, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(d, TRUE);
    lk_status status = lk_image_check_size(d->image_width, d->image_height, j->err);
    if (status != LK_OK)
        return status;
    switch (d->jpeg_color_space) {
    case JCS_GRAYSCALE:
    case JCS_RGB:
    case JCS_YCbCr:
        d->out_color_space = JCS_RGB;
        break;
    case JCS_CMYK:
    case JCS_YCCK:
        d->out_color_space = JCS_CMYK;
        break;
    default:
        return lk_fail(j->err, LK_EFORMAT, "a JPEG picture with %d channels, expected grey, colour or CMYK",
                       d->num_components);
    }
    jpeg_start_decompress(d);
    status = lk_image_new(&j->image, (int)d->output_width, (int)d->output_height, j->err);
    if (status != LK_OK)
        return status;
    decode_lines(j, d);
    int orientation = find_orientation(d); /* the markers are gone after the next line */
    jpeg_finish_decompress(d); /* reads on to the end mark: the last check for a file that is cut off */
    return lk_image_orient(&j->image, orientation, j->err);
}

lk_status lk_image_decode_jpeg(const uint8_t *bytes, size_t len, struct lk_image *out, lk_error *err)
{
    struct jpeg j = {.err = err};
    struct jpeg_decompress_struct d = {0};
    d.err = set_errors(&j);
    lk_status status = decode(&j, &d, bytes, len);
    jpeg_destroy_decompress(&d);
    free(j.line);
    if (status != LK_OK) {
        lk_image_free(&j.image);
        return status;
    }
    *out = j.image;
    return LK_OK;
}

/* ---- encoding -------------------------------------------------------------------------------------- */

static lk_status encode(struct jpeg *j, struct jpeg_compress_struct *c, const struct lk_image *image,
                        int quality)
{
    if (setjmp(j->jump) != 0)
        return j->status;
    jpeg_create_compress(c);
    jpeg_mem_dest(c, &j->encoded, &j->encoded_len);
    c->image_width = (JDIMENSION)image->width;
    c->image_height = (JDIMENSION)image->height;
    c->input_components = 3;
    c->in_color_space = JCS_RGB;
    jpeg_set_defaults(c);
    jpeg_set_quality(c, quality, TRUE);
    for (int i = 0; i < 3; i++) /* 4:4:4: the colours of a small face stay sharp */
        c->comp_info[i].h_samp_factor = c->comp_info[i].v_samp_factor = 1;
    jpeg_start_compress(c, TRUE);
    while (c->next_scanline < c->image_height) {
        JSAMPROW row = image->rgb + 3 * (size_t)image->width * c->next_scanline;
        jpeg_write_scanlines(c, &row, 1);
    }
    jpeg_finish_compress(c);
    return LK_OK;
}

lk_status lk_image_encode_jpeg(const struct lk_image *image, int quality, uint8_t **bytes, size_t *len,
                               lk_error *err)
{
    LK_NEED(image->rgb != NULL && image->width > 0 && image->height > 0, err, LK_EINVAL, "an empty picture");
    LK_NEED(quality >= 1 && quality <= 100, err, LK_EINVAL, "JPEG quality %d, expected 1 to 100", quality);
    struct jpeg j = {.err = err};
    struct jpeg_compress_struct c = {0};
    c.err = set_errors(&j);
    lk_status status = encode(&j, &c, image, quality);
    jpeg_destroy_compress(&c);
    if (status != LK_OK) {
        free(j.encoded);
        return status;
    }
    *bytes = j.encoded;
    *len = j.encoded_len;
    return LK_OK;
}
