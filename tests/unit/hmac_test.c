/* The seam against the vectors of RFC 4231, whatever library is behind it. */
#include "bus/os/hmac.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

TestSuite(hmac, .timeout = 10);

struct vector {
        const char *key, *data, *mac; /* in hexadecimal */
        size_t key_repeat, data_repeat;
};

static const struct vector vectors[] = {
        /* 4.2 */ { "0b", "4869205468657265", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", 20,
                    1 },
        /* 4.3 */
        { "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 1, 1 },
        /* 4.4 */ { "aa", "dd", "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe", 20, 50 },
        /* 4.5 */
        { "0102030405060708090a0b0c0d0e0f10111213141516171819", "cd",
          "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b", 1, 50 },
        /* 4.7 */
        { "aa",
          "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b65792046"
          "69727374",
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", 131, 1 },
        /* 4.8 */
        { "aa",
          "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a65206b657920616e64"
          "2061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565647320746f2062652068"
          "6173686564206265666f7265206265696e6720757365642062792074686520484d414320616c676f726974686d2e",
          "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2", 131, 1 },
};

static size_t
bytes_of(const char *hex, size_t repeat, uint8_t *bytes)
{
        size_t size = strlen(hex) / 2;
        unsigned value;

        for (size_t i = 0; i < size; i++) {
                cr_assert(eq(int, sscanf(hex + 2 * i, "%2x", &value), 1));
                for (size_t j = 0; j < repeat; j++)
                        bytes[j * size + i] = (uint8_t)value;
        }
        return size * repeat;
}

Test(hmac, gives_what_rfc_4231_says)
{
        uint8_t key[256], data[512], wanted[WR_HMAC_BYTES], mac[WR_HMAC_BYTES];

        for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
                const struct vector *v = &vectors[i];
                size_t key_size = bytes_of(v->key, v->key_repeat, key);
                size_t size = bytes_of(v->data, v->data_repeat, data);

                cr_assert(eq(sz, bytes_of(v->mac, 1, wanted), WR_HMAC_BYTES));
                cr_assert(wr_hmac(key, key_size, data, size, mac));
                cr_assert(eq(int, memcmp(mac, wanted, sizeof(mac)), 0), "vector %zu", i);
        }
}

Test(hmac, of_nothing_is_one_too)
{
        static const uint8_t wanted[] = { 0xb6, 0x13, 0x67, 0x9a, 0x08, 0x14, 0xd9, 0xec };
        uint8_t mac[WR_HMAC_BYTES];

        cr_assert(wr_hmac("", 0, "", 0, mac));
        cr_assert(eq(int, memcmp(mac, wanted, sizeof(wanted)), 0));
}

Test(hmac, every_bit_that_differs_is_seen)
{
        uint8_t a[WR_HMAC_BYTES], b[WR_HMAC_BYTES];

        memset(a, 0x5a, sizeof(a));
        memcpy(b, a, sizeof(b));
        cr_assert(wr_hmac_equal(a, b, sizeof(a)));
        for (size_t bit = 0; bit < sizeof(a) * 8; bit++) {
                b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
                cr_assert(not(wr_hmac_equal(a, b, sizeof(a))), "bit %zu", bit);
                b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        cr_assert(wr_hmac_equal(a, b, 0));
}

Test(hmac, what_is_wiped_is_gone)
{
        uint8_t secret[WR_HMAC_BYTES];

        memset(secret, 0xff, sizeof(secret));
        wr_hmac_wipe(secret, sizeof(secret));
        for (size_t i = 0; i < sizeof(secret); i++)
                cr_assert(eq(u8, secret[i], 0));
}
