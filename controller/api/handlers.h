/* SPDX-License-Identifier: Apache-2.0 */
/* Every handler of the route table, by the file that holds it. Each answers its request, now or
 * later. */
#ifndef FRAMEFARM_API_HANDLERS_H
#define FRAMEFARM_API_HANDLERS_H

struct req;
struct route_upload;

/* health.c */
void health_live(struct req *r);
void health_ready(struct req *r);

/* metrics.c */
void metrics_get(struct req *r);

/* openapi.c */
void openapi_get(struct req *r);

/* login.c */
void login_post(struct req *r);
void login_get(struct req *r);
void login_delete(struct req *r);

/* jobs.c */
void jobs_list(struct req *r);
void jobs_get(struct req *r); /* with ?wait=: job_wait.c */
void jobs_cancel(struct req *r);

/* pins.c */
void pins_pin(struct req *r);
void pins_unpin(struct req *r);

/* job_retry.c */
void job_retry_post(struct req *r);

/* job_submit.c */
void job_submit(struct req *r);

/* job_wait.c */
void job_wait(struct req *r);

/* logs.c */
void logs_job(struct req *r);
void logs_run(struct req *r);

/* runs.c */
void runs_list(struct req *r);
void runs_get(struct req *r);

/* series.c */
void series_get(struct req *r);

/* samples.c */
void samples_get(struct req *r);

/* devices.c */
void devices_list(struct req *r);
void devices_get(struct req *r);
void devices_quarantine(struct req *r);
void devices_release(struct req *r);
void devices_retire(struct req *r);

/* device_service.c */
void devices_detach(struct req *r);
void devices_attach(struct req *r);
void devices_install(struct req *r);
void devices_provision(struct req *r);

/* addresses.c */
void addresses_list(struct req *r);
void addresses_connect(struct req *r);
void addresses_disconnect(struct req *r);

/* artifacts.c */
void artifacts_job(struct req *r);
void artifacts_run(struct req *r);
void artifacts_get(struct req *r);

/* runtimes.c */
void runtimes_get(struct req *r);
void runtimes_post(struct req *r);
void runtimes_delete(struct req *r);

/* events.c */
void events_get(struct req *r);
void events_job(struct req *r);

/* files.c */
void files_head(struct req *r);
void files_put(struct req *r);
extern const struct route_upload files_upload;

/* backups.c */
void backups_get(struct req *r);
void backups_post(struct req *r);

/* static.c */
void static_get(struct req *r);

#endif
