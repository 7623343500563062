/* SPDX-License-Identifier: Apache-2.0 */
/* hash.c - SHA-256 through OpenSSL's libcrypto. */
#include "base/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/fs.h"

struct lk_hash {
    EVP_MD_CTX *md;
};

lk_status lk_hash_new(struct lk_hash **out, lk_error *err)
{
    struct lk_hash *hash = lk_calloc(1, sizeof *hash, err);
    if (hash == NULL)
        return LK_ENOMEM;
    hash->md = EVP_MD_CTX_new();
    if (hash->md == NULL || EVP_DigestInit_ex(hash->md, EVP_sha256(), NULL) != 1) {
        lk_hash_free(hash);
        return lk_fail(err, LK_EINTERNAL, "libcrypto gives no SHA-256");
    }
    *out = hash;
    return LK_OK;
}

lk_status lk_hash_add(struct lk_hash *hash, const void *bytes, size_t len, lk_error *err)
{
    LK_NEED(EVP_DigestUpdate(hash->md, bytes, len) == 1, err, LK_EINTERNAL, "SHA-256 failed");
    return LK_OK;
}

lk_status lk_hash_end(struct lk_hash *hash, char hex[65], lk_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    LK_NEED(EVP_DigestFinal_ex(hash->md, digest, &len) == 1 && len == 32, err, LK_EINTERNAL,
            "SHA-256 failed");
    for (unsigned int i = 0; i < len; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[64] = '\0';
    return LK_OK;
}

void lk_hash_free(struct lk_hash *hash)
{
    if (hash != NULL)
        EVP_MD_CTX_free(hash->md);
    free(hash);
}

lk_status lk_hash_bytes(const void *bytes, size_t len, char hex[65], lk_error *err)
{
    struct lk_hash *hash;
    LK_TRY(lk_hash_new(&hash, err));
    lk_status status = lk_hash_add(hash, bytes, len, err);
    if (status == LK_OK)
        status = lk_hash_end(hash, hex, err);
    lk_hash_free(hash);
    return status;
}

static lk_status hash_stream(FILE *stream, const char *path, char hex[65], lk_error *err)
{
    enum { CHUNK = 1 << 18 };
    struct lk_hash *hash = NULL;
    uint8_t *bytes = lk_calloc(CHUNK, 1, err);
    lk_status status = bytes != NULL ? lk_hash_new(&hash, err) : LK_ENOMEM;
    size_t n;
    while (status == LK_OK && (n = fread(bytes, 1, CHUNK, stream)) > 0)
        status = lk_hash_add(hash, bytes, n, err);
    if (status == LK_OK && ferror(stream))
        status = lk_fail_sys(err, LK_EIO, "%s: cannot read", path);
    if (status == LK_OK)
        status = lk_hash_end(hash, hex, err);
    lk_hash_free(hash);
    free(bytes);
    return status;
}

/* Read in pieces rather than mapped: a mapped file of millions of embeddings would count as resident memory.
 */
lk_status lk_hash_file(const char *path, char hex[65], lk_error *err)
{
    FILE *stream;
    LK_TRY(lk_stream_open(&stream, path, err));
    lk_status status = hash_stream(stream, path, hex, err);
    fclose(stream);
    return status;
}
