/*
 * A console and a file take a line at once. A pipe whose reader does not read would hold us up, so it is put into the
 * mode in which a write that has no room writes nothing; the lines are lost then, as everywhere. A service has no
 * stderr: its lines become entries of the system's event log, as warnings or information by their priority.
 */
#include "broker/log.h"

#include "bus/os/error.h"
#include "named-objects/path_win32.h"

#include <windows.h>

enum {
        EVENT_ID = 1, /* of EventCreate.exe's messages, whose text is all that we say; see `weir broker install` */
        PRIORITY_BYTES = 3,  /* "<4>" */
        LINE_WIDE_MAX = 1200 /* more than any line has */
};

static HANDLE event_source;
static char is_event_log; /* its address stands for the event log among objects */

static bool
report(const char *line, size_t length)
{
        wchar_t wide[LINE_WIDE_MAX];
        const wchar_t *text = wide;
        bool is_warning = length > PRIORITY_BYTES && line[1] <= '0' + WR_LOG_WARNING;
        int count;

        if (length <= PRIORITY_BYTES + 1)
                return false;
        count = MultiByteToWideChar(CP_UTF8, 0, line + PRIORITY_BYTES, (int)(length - PRIORITY_BYTES - 1), wide,
                                    LINE_WIDE_MAX - 1);
        wide[count] = L'\0';
        return ReportEventW(event_source, is_warning ? EVENTLOG_WARNING_TYPE : EVENTLOG_INFORMATION_TYPE, 0, EVENT_ID,
                            NULL, 1, 0, &text, NULL);
}

bool
wr_log_write(wr_object object, const char *line, size_t length)
{
        DWORD written = 0;

        if (object == &is_event_log)
                return report(line, length);
        return WriteFile(object, line, (DWORD)length, &written, NULL) && written == length;
}

/* As a service, which has no stderr. */
static struct wr_log
event_log(void)
{
        if (!event_source)
                event_source = RegisterEventSourceW(NULL, L"weir"); /* the process's; closed by its end */
        if (!event_source)
                return (struct wr_log){ .object = WR_NO_OBJECT };
        return (struct wr_log){ .object = &is_event_log, .has_priorities = true };
}

void
wr_log_open_stderr(struct wr_log *log)
{
        HANDLE stream = GetStdHandle(STD_ERROR_HANDLE);
        DWORD mode = PIPE_READMODE_BYTE | PIPE_NOWAIT;

        if (stream == NULL || stream == INVALID_HANDLE_VALUE) {
                *log = event_log();
                return;
        }
        *log = (struct wr_log){ .object = stream };
        if (GetFileType(stream) == FILE_TYPE_PIPE)
                SetNamedPipeHandleState(stream, &mode, NULL, NULL); /* one that it is refused for stays as it is */
}

enum weir_result
wr_log_open_file(struct wr_log *log, const char *path)
{
        wchar_t wide[WR_PATH_WIDE_MAX];
        HANDLE file;

        *log = (struct wr_log){ .object = WR_NO_OBJECT };
        if (!path || !*path)
                return WEIR_OK;
        if (!wr_path_wide(path, wide, WR_PATH_WIDE_MAX))
                return WEIR_E_USAGE;
        /* FILE_APPEND_DATA alone: each write goes to the end, whoever else writes. */
        file = CreateFileW(wide, FILE_APPEND_DATA | SYNCHRONIZE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                           NULL, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
        if (file == INVALID_HANDLE_VALUE)
                return wr_os_error((int)GetLastError());
        log->object = file;
        log->is_ours = true;
        return WEIR_OK;
}
