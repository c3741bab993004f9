/* What the service control manager tells the loop that catches signals: as the console does, from any thread. */
#ifndef WR_LOOP_WIN32_H
#define WR_LOOP_WIN32_H

/* As the first Ctrl-C. */
void
wr_loop_service_stops(void);

/* As SIGHUP does on Linux: wr_loop_hung_up() is true once. */
void
wr_loop_service_reloads(void);

#endif
