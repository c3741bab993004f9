/*
 * Nothing here decodes: the file has raw pictures in it already, one behind the other, planar YUV 4:2:0 of the size
 * that is shown. ReadFile() puts each where it shall be, be it a loan in shared memory. Since such a file has no pace
 * of its own, it is given one.
 */
#include "clients/demo/demo_decoder.h"
#include "clients/demo/demo_text_win32.h"
#include "named-objects/path_win32.h"

#include <errno.h>
#include <stdio.h>
#include <weir/weir.h>

enum { PIECE = 1 << 30 };

static const int64_t PICTURE_NS = INT64_C(1000000000) / 30;

static HANDLE
open_file(const char *path)
{
        wchar_t wide[WR_PATH_WIDE_MAX];

        if (!wr_path_wide(path, wide, WR_PATH_WIDE_MAX)) {
                SetLastError(ERROR_INVALID_NAME);
                return INVALID_HANDLE_VALUE;
        }
        return CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                           OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN, NULL);
}

bool
demo_decoder_open(struct demo_decoder *decoder, const struct demo_clip *clip)
{
        HANDLE file = open_file(clip->path);

        *decoder = (struct demo_decoder){ .source = (intptr_t)file, .frame_bytes = demo_clip_frame_bytes(clip) };
        if (file == INVALID_HANDLE_VALUE)
                return demo_text_failed(clip->path);
        if (clip->paced_ns > 0) {
                decoder->next_ns = weir_now();
                decoder->until_ns = decoder->next_ns + clip->paced_ns;
        }
        return true;
}

/* False: no more pictures are wanted. */
static bool
keep_pace(struct demo_decoder *decoder)
{
        int64_t now_ns;

        if (decoder->until_ns == 0)
                return true;
        if (decoder->next_ns >= decoder->until_ns)
                return false;
        while ((now_ns = weir_now()) < decoder->next_ns)
                Sleep((DWORD)((decoder->next_ns - now_ns + 999999) / 1000000));
        decoder->next_ns += PICTURE_NS;
        return true;
}

int
demo_decoder_read(struct demo_decoder *decoder, void *to)
{
        uint64_t got = 0;

        if (!keep_pace(decoder))
                return 0;
        while (got < decoder->frame_bytes) {
                uint64_t left = decoder->frame_bytes - got;
                DWORD n = 0;
                bool read = ReadFile((HANDLE)decoder->source, (char *)to + got, left < PIECE ? (DWORD)left : PIECE, &n,
                                     NULL);

                if (!read || (n == 0 && got > 0)) {
                        decoder->error = read ? EPIPE : EIO;
                        return -1;
                }
                if (n == 0)
                        return 0;
                got += n;
                decoder->read_bytes += n;
        }
        return 1;
}

bool
demo_decoder_close(struct demo_decoder *decoder)
{
        return CloseHandle((HANDLE)decoder->source);
}

uint64_t
demo_decoder_count(const struct demo_clip *clip)
{
        uint64_t frame_bytes = demo_clip_frame_bytes(clip);
        HANDLE file = open_file(clip->path);
        LARGE_INTEGER size = { .QuadPart = 0 };
        uint64_t bytes;

        if (file == INVALID_HANDLE_VALUE || !GetFileSizeEx(file, &size)) {
                demo_text_failed(clip->path);
                if (file != INVALID_HANDLE_VALUE)
                        CloseHandle(file);
                return 0;
        }
        CloseHandle(file);
        bytes = (uint64_t)size.QuadPart;
        if (bytes > 0 && bytes % frame_bytes == 0)
                return bytes / frame_bytes;
        fprintf(stderr,
                "weir demo: %s is no raw video of this size: its %llu bytes are not a whole number of pictures of "
                "%ux%u, %llu bytes each. Make one: ffmpeg -i CLIP -s %ux%u -pix_fmt yuv420p -f rawvideo FILE.yuv\n",
                clip->path, (unsigned long long)bytes, clip->width, clip->height, (unsigned long long)frame_bytes,
                clip->width, clip->height);
        return 0;
}
