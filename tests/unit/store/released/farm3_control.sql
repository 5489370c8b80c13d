-- SPDX-License-Identifier: Apache-2.0
-- control.db as a daemon before streams knew their order in time left it: two jobs of the tiny MLP, one of them over its budget.
PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA application_id = 1179018100; PRAGMA user_version = 3;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
	key TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('farm_id','75749d1fca0e916b');
INSERT INTO meta VALUES('store.pair','9b31084c51209c1d7f670e642eef55a8');
CREATE TABLE devices (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	key TEXT NOT NULL,
	driver TEXT NOT NULL,
	host_id TEXT NOT NULL,
	name TEXT NOT NULL,
	model TEXT NOT NULL,
	abi TEXT NOT NULL,
	os TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	agent_uuid TEXT NOT NULL,
	attrs TEXT,
	counters TEXT,
	caps INTEGER NOT NULL,
	is_virtual INTEGER NOT NULL,
	state INTEGER NOT NULL,
	link INTEGER NOT NULL,
	need TEXT NOT NULL,
	failures INTEGER NOT NULL,
	rung INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	first_seen_ms INTEGER NOT NULL,
	last_seen_ms INTEGER NOT NULL,
	state_ms INTEGER NOT NULL
, place TEXT NOT NULL DEFAULT '', detached_by TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO devices VALUES(1,'local:0035969ec53f6e7f','local','vm','local','AMD EPYC','x86_64','Debian GNU/Linux 12 (bookworm), Linux 6.1.0-26-amd64','debian 12, Linux 6.1.0-26-amd64, microcode -','01d824c2-30ea-4352-bf02-103ba601b5e9','{"id":"d1","kind":"local","name":"local","model":"AMD EPYC","abi":"x86_64","virtual":"no","cpu.cores":"2","cpu.vendor":"AuthenticAMD","ram_mb":"24105","kernel":"6.1.0-26-amd64","os.id":"debian","os.version":"12","virtualised":"yes"}','[{"name":"runner.rss","unit":"B","source":"/proc/PID/stat","available":true},{"name":"runner.cpu_time","unit":"s","source":"/proc/PID/stat","available":true},{"name":"runner.major_faults","unit":"","source":"/proc/PID/stat","available":true},{"name":"runner.threads","unit":"","source":"/proc/PID/stat","available":true},{"name":"runner.switches_voluntary","unit":"","source":"/proc/PID/status","available":true},{"name":"runner.switches_involuntary","unit":"","source":"/proc/PID/status","available":true},{"name":"mem.available","unit":"B","source":"/proc/meminfo","available":true},{"name":"mem.free","unit":"B","source":"/proc/meminfo","available":true},{"name":"mem.swap_free","unit":"B","source":"/proc/meminfo","available":true},{"name":"mem.cma_free","unit":"B","source":"/proc/meminfo","available":false,"error":"No data available"},{"name":"load.1m","unit":"","source":"/proc/loadavg","available":true},{"name":"load.runnable","unit":"","source":"/proc/loadavg","available":true},{"name":"vm.major_faults","unit":"","source":"/proc/vmstat","available":true},{"name":"vm.swap_in","unit":"pages","source":"/proc/vmstat","available":true},{"name":"vm.swap_out","unit":"pages","source":"/proc/vmstat","available":true},{"name":"vm.oom_kills","unit":"","source":"/proc/vmstat","available":true},{"name":"cpu.busy","unit":"%","source":"/proc/stat","available":true},{"name":"cpu.0.busy","unit":"%","source":"/proc/stat","available":true},{"name":"cpu.1.busy","unit":"%","source":"/proc/stat","available":true},{"name":"cpu.policy0.freq","unit":"Hz","source":"/sys/devices/system/cpu/cpufreq","available":false,"error":"No such file or directory"},{"name":"cpu.online","unit":"","source":"/sys/devices/system/cpu/online","available":true}]',17,0,7,2,'',0,0,2,1795792678767,1795792678767,1795792685285,'this machine','');
CREATE TABLE leases (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	device INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	job INTEGER NOT NULL,
	slot INTEGER NOT NULL,
	state INTEGER NOT NULL,
	ending INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	priority INTEGER NOT NULL,
	for_ms INTEGER NOT NULL,
	asked_ms INTEGER NOT NULL,
	granted_ms INTEGER NOT NULL,
	expires_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	reason TEXT NOT NULL,
	selector TEXT
) STRICT;
INSERT INTO leases VALUES(1,1,1,1,0,5,5,1,0,0,1795792678942,1795792679070,1795792971480,1795792683057,'admin','',NULL);
INSERT INTO leases VALUES(2,1,1,2,0,5,5,2,0,0,1795792683094,1795792683094,1795792973764,1795792685285,'admin','',NULL);
CREATE TABLE jobs (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	state INTEGER NOT NULL,
	verdict INTEGER NOT NULL,
	exit_code INTEGER NOT NULL,
	name TEXT NOT NULL,
	actor TEXT NOT NULL,
	branch TEXT NOT NULL,
	commit_id TEXT NOT NULL,
	labels TEXT,
	spec TEXT,
	spec_sha256 TEXT NOT NULL,
	idempotency_key TEXT NOT NULL,
	priority INTEGER NOT NULL,
	n_runs INTEGER NOT NULL,
	n_ended INTEGER NOT NULL,
	n_failed INTEGER NOT NULL,
	cancel_asked INTEGER NOT NULL,
	cause TEXT NOT NULL,
	submitted_ms INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL
) STRICT;
INSERT INTO jobs VALUES(1,4,1,0,'mlp','admin','main','c0ffee','{}','{"schema": "framefarm.job/1", "name": "mlp", "model": {"name": "mlp", "variants": [{"name": "fp32", "file": {"sha256": "fa3b39e5326ebce2ebb8ac6b6885bc03763a5f739ecec61294cfaebb8d39c425", "bytes": 8161, "name": "mlp_16_32_10.onnx"}}]}, "runner": {"name": "onnxruntime", "threads": 1}, "inputs": [{"name": "input", "fill": "normal", "seed": 7}], "measure": {"pace_hz": 1000, "min_runs": 320, "min_ms": 320, "max_ms": 20000, "warmup_min_ms": 10, "warmup_max_ms": 500, "baseline_ms": 50, "thermal_wait_ms": 0}, "devices": {"select": {"kind": "local"}}, "budget": {"ms": 10000}, "commit": "c0ffee", "branch": "main"}','48da9291069b44263ea2d2816925e45221110233fabe703a8f6f50b0c24d0683','5397249434de7650d92528388e06ba10',0,1,1,0,0,'',1795792678942,1795792679070,1795792683053);
INSERT INTO jobs VALUES(2,4,2,10,'mlp','admin','','','{}','{"schema": "framefarm.job/1", "name": "mlp", "model": {"name": "mlp", "variants": [{"name": "fp32", "file": {"sha256": "fa3b39e5326ebce2ebb8ac6b6885bc03763a5f739ecec61294cfaebb8d39c425", "bytes": 8161, "name": "mlp_16_32_10.onnx"}}]}, "runner": {"name": "onnxruntime", "threads": 1}, "inputs": [{"name": "input", "fill": "normal", "seed": 7}], "measure": {"pace_hz": 1000, "min_runs": 320, "min_ms": 320, "max_ms": 20000, "warmup_min_ms": 10, "warmup_max_ms": 500, "baseline_ms": 50, "thermal_wait_ms": 0}, "devices": {"select": {"kind": "local"}}, "budget": {"ms": 0.001}}','9329dd8b554fbc48f33dd1b3fdcc84591a84012be9b4f1fd1b62fb0c054dfb0a','62952b9b5937c738b0ca52d9a6fdcb34',0,1,1,0,0,'',1795792683094,1795792683094,1795792685283);
CREATE TABLE runs (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	job INTEGER NOT NULL REFERENCES jobs (id) DEFERRABLE INITIALLY DEFERRED,
	variant INTEGER NOT NULL,
	slot INTEGER NOT NULL,
	pin INTEGER NOT NULL,
	device INTEGER NOT NULL,
	avoid INTEGER NOT NULL,
	state INTEGER NOT NULL,
	verdict INTEGER NOT NULL,
	failure INTEGER NOT NULL,
	exit_code INTEGER NOT NULL,
	round INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	retries INTEGER NOT NULL,
	variant_name TEXT NOT NULL,
	cause TEXT NOT NULL,
	result TEXT,
	queued_ms INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL
) STRICT;
INSERT INTO runs VALUES(1,1,0,0,0,1,0,7,1,0,0,1,1,0,'fp32','n=320, over=0, tau=1.0, n_eff=320, skipped=192; PASS because the upper bound 16.47 ms of p99 is within 10000.00 ms','{"schema":"framefarm.result/1","model":"mlp","variant":"fp32","verdict":"pass","exit_code":0,"text":"n=320, over=0, tau=1.0, n_eff=320, skipped=192; PASS because the upper bound 16.47 ms of p99 is within 10000.00 ms","gates":[{"name":"execution","verdict":"pass","void":false,"text":"the model ran to its end; PASS"},{"name":"budget","verdict":"pass","void":false,"text":"n=320, over=0, tau=1.0, n_eff=320, skipped=192; PASS because the upper bound 16.47 ms of p99 is within 10000.00 ms","budget_ns":10000000000,"percentile":0.99,"percentile_method":"nearest_rank","value_ns":7781726,"lower_ns":6688168,"upper_ns":16467105,"confidence":0.95,"n":320,"over":0,"skipped":192,"tau":1,"n_eff":320,"over_eff_pass":0,"n_eff_fail":320,"over_eff_fail":0,"min_n":299,"rounds":1,"method":"pooled"}],"metrics":{"paced":{"n":320,"p50_ns":307024,"p90_ns":2535101,"p99_ns":7781726,"p99_early_stopping_ns":null,"min_ns":167374,"max_ns":16467105,"mean_ns":967531,"sd_ns":1638293,"cv":1.6932717055989994,"jitter":25.345660274115378,"over":0,"over_percent":0,"longest_streak":0},"exec":{"n":320,"p50_ns":26230,"p90_ns":73701,"p99_ns":134277,"p99_early_stopping_ns":null,"min_ns":6483,"max_ns":245821,"mean_ns":36415,"sd_ns":28241,"cv":0.77552023111250346,"jitter":5.1192146397255058,"over":0,"over_percent":0,"longest_streak":0},"load_cold_ns":537790599,"load_warm_ns":517815968,"first_ns":534121,"warmup_runs":902,"warmup_median_ns":2926,"warmup_stable":1,"rss_peak_bytes":38150144,"rss_after_load_bytes":37580800},"provider":{"requested":"cpu","used":"cpu","fallback":"none","time_share":null,"nodes":{},"runtime":"1.27.0"},"environment":{"thermal":"unobserved","thermal_gate":"unobserved","labels":["thermal=unobserved"]},"rounds":[{"round":1,"attempt":1,"n":320,"p50_ns":307024,"p99_ns":7781726,"over":0}]}',1795792678942,1795792679070,1795792683053);
INSERT INTO runs VALUES(2,2,0,0,0,1,0,7,2,0,10,1,1,0,'fp32','n=320, over=320, tau=1.0, n_eff=320, skipped=55; FAIL because the lower bound 2.588104 ms of p99 is over 0.001000 ms','{"schema":"framefarm.result/1","model":"mlp","variant":"fp32","verdict":"fail","exit_code":10,"text":"n=320, over=320, tau=1.0, n_eff=320, skipped=55; FAIL because the lower bound 2.588104 ms of p99 is over 0.001000 ms","gates":[{"name":"execution","verdict":"pass","void":false,"text":"the model ran to its end; PASS"},{"name":"budget","verdict":"fail","void":false,"text":"n=320, over=320, tau=1.0, n_eff=320, skipped=55; FAIL because the lower bound 2.588104 ms of p99 is over 0.001000 ms","budget_ns":1000,"percentile":0.99,"percentile_method":"nearest_rank","value_ns":2932348,"lower_ns":2588104,"upper_ns":4860217,"confidence":0.95,"n":320,"over":320,"skipped":55,"tau":1,"n_eff":320,"over_eff_pass":320,"n_eff_fail":320,"over_eff_fail":320,"min_n":299,"rounds":1,"method":"pooled"}],"metrics":{"paced":{"n":320,"p50_ns":195603,"p90_ns":1190480,"p99_ns":2932348,"p99_early_stopping_ns":null,"min_ns":47792,"max_ns":4860217,"mean_ns":454999,"sd_ns":596986,"cv":1.3120581841108481,"jitter":14.991324263942783,"over":320,"over_percent":100,"longest_streak":320},"exec":{"n":320,"p50_ns":14418,"p90_ns":44245,"p99_ns":89320,"p99_early_stopping_ns":null,"min_ns":5821,"max_ns":112826,"mean_ns":19151,"sd_ns":16331,"cv":0.852741006183843,"jitter":6.1950339852961571,"over":320,"over_percent":100,"longest_streak":320},"load_cold_ns":580199209,"load_warm_ns":455450882,"first_ns":363565,"warmup_runs":2192,"warmup_median_ns":1924,"warmup_stable":1,"rss_peak_bytes":38154240,"rss_after_load_bytes":37588992},"provider":{"requested":"cpu","used":"cpu","fallback":"none","time_share":null,"nodes":{},"runtime":"1.27.0"},"environment":{"thermal":"unobserved","thermal_gate":"unobserved","labels":["thermal=unobserved"]},"rounds":[{"round":1,"attempt":2,"n":320,"p50_ns":195603,"p99_ns":2932348,"over":320}]}',1795792683094,1795792683094,1795792685283);
CREATE TABLE attempts (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	run INTEGER NOT NULL REFERENCES runs (id) DEFERRABLE INITIALLY DEFERRED,
	job INTEGER NOT NULL,
	device INTEGER NOT NULL,
	lease INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	round INTEGER NOT NULL,
	state INTEGER NOT NULL,
	outcome INTEGER NOT NULL,
	failure INTEGER NOT NULL,
	counted INTEGER NOT NULL,
	spool INTEGER NOT NULL,
	cause TEXT NOT NULL,
	record TEXT,
	created_ms INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL
) STRICT;
INSERT INTO attempts VALUES(1,1,1,1,1,1,1,5,0,0,1,0,'','{"model_sha256":"fa3b39e5326ebce2ebb8ac6b6885bc03763a5f739ecec61294cfaebb8d39c425","runner":"onnxruntime","runner_sha256":"c311bc2c5f161be23876ebf620927acd8c4616233cce6fd988ebc7c002915e32","runtime_sha256":"d8aff4aa8abee8fb2abb2f2f2459ffc94461e781e41b9f7c072829dd0d470221","agent_sha256":"20bfc760c7eb20474641dd807b41ae40e263ffd08bae2e66887d7f4af33d8b12","agent_version":"0.1.0","job_sha256":"48da9291069b44263ea2d2816925e45221110233fabe703a8f6f50b0c24d0683","os":"Debian GNU/Linux 12 (bookworm), Linux 6.1.0-26-amd64","fingerprint":"debian 12, Linux 6.1.0-26-amd64, microcode -","boot_id":"eb439845-5005-492f-b8f5-fdc39ba209e8","context":"shell","virtual":false,"protections":"no_new_privs,rlimits,netns,landlock=7,uid=63612,seccomp"}',1795792679070,1795792680925,1795792683053);
INSERT INTO attempts VALUES(2,2,2,1,2,2,1,5,0,0,1,0,'','{"model_sha256":"fa3b39e5326ebce2ebb8ac6b6885bc03763a5f739ecec61294cfaebb8d39c425","runner":"onnxruntime","runner_sha256":"c311bc2c5f161be23876ebf620927acd8c4616233cce6fd988ebc7c002915e32","runtime_sha256":"d8aff4aa8abee8fb2abb2f2f2459ffc94461e781e41b9f7c072829dd0d470221","agent_sha256":"20bfc760c7eb20474641dd807b41ae40e263ffd08bae2e66887d7f4af33d8b12","agent_version":"0.1.0","job_sha256":"9329dd8b554fbc48f33dd1b3fdcc84591a84012be9b4f1fd1b62fb0c054dfb0a","os":"Debian GNU/Linux 12 (bookworm), Linux 6.1.0-26-amd64","fingerprint":"debian 12, Linux 6.1.0-26-amd64, microcode -","boot_id":"eb439845-5005-492f-b8f5-fdc39ba209e8","context":"shell","virtual":false,"protections":"no_new_privs,rlimits,netns,landlock=7,uid=63612,seccomp"}',1795792683094,1795792683202,1795792685283);
CREATE TABLE actions (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	kind INTEGER NOT NULL,
	device INTEGER NOT NULL,
	lease INTEGER NOT NULL,
	run INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	arg INTEGER NOT NULL,
	issued_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	at_ms INTEGER NOT NULL,
	topic TEXT NOT NULL,
	subject INTEGER NOT NULL,
	job INTEGER NOT NULL,
	from_state TEXT NOT NULL,
	to_state TEXT NOT NULL,
	actor TEXT NOT NULL,
	cause TEXT NOT NULL
) STRICT;
INSERT INTO events VALUES(1,1795792678767,'device',1,0,'absent','detected','','');
INSERT INTO events VALUES(2,1795792678767,'device',1,0,'detected','identifying','','');
INSERT INTO events VALUES(3,1795792678789,'device',1,0,'identifying','preparing','','');
INSERT INTO events VALUES(4,1795792678942,'job',1,1,'','queued','admin','');
INSERT INTO events VALUES(5,1795792679070,'device',1,0,'preparing','ready','','');
INSERT INTO events VALUES(6,1795792679070,'lease',1,1,'waiting','granted','admin','');
INSERT INTO events VALUES(7,1795792679070,'device',1,1,'ready','leased','','');
INSERT INTO events VALUES(8,1795792679070,'run',1,1,'queued','assigned','','');
INSERT INTO events VALUES(9,1795792679070,'run',1,1,'assigned','staging','','');
INSERT INTO events VALUES(10,1795792679070,'job',1,1,'queued','running','','');
INSERT INTO events VALUES(11,1795792679070,'lease',1,1,'granted','active','admin','');
INSERT INTO events VALUES(12,1795792679070,'device',1,1,'leased','busy','','');
INSERT INTO events VALUES(13,1795792680925,'run',1,1,'staging','running','','');
INSERT INTO events VALUES(14,1795792683031,'run',1,1,'running','collecting','','');
INSERT INTO events VALUES(15,1795792683053,'run',1,1,'collecting','completed','','n=320, over=0, tau=1.0, n_eff=320, skipped=192; PASS because the upper bound 16.47 ms of p99 is within 10000.00 ms');
INSERT INTO events VALUES(16,1795792683053,'job',1,1,'running','completed','','');
INSERT INTO events VALUES(17,1795792683053,'lease',1,1,'active','releasing','admin','');
INSERT INTO events VALUES(18,1795792683053,'device',1,1,'busy','cleaning','','');
INSERT INTO events VALUES(19,1795792683057,'device',1,1,'cleaning','cooling','','');
INSERT INTO events VALUES(20,1795792683057,'lease',1,1,'releasing','released','admin','');
INSERT INTO events VALUES(21,1795792683057,'device',1,0,'cooling','ready','','');
INSERT INTO events VALUES(22,1795792683094,'job',2,2,'','queued','admin','');
INSERT INTO events VALUES(23,1795792683094,'lease',2,2,'waiting','granted','admin','');
INSERT INTO events VALUES(24,1795792683094,'device',1,2,'ready','leased','admin','');
INSERT INTO events VALUES(25,1795792683094,'run',2,2,'queued','assigned','admin','');
INSERT INTO events VALUES(26,1795792683094,'run',2,2,'assigned','staging','admin','');
INSERT INTO events VALUES(27,1795792683094,'job',2,2,'queued','running','admin','');
INSERT INTO events VALUES(28,1795792683094,'lease',2,2,'granted','active','admin','');
INSERT INTO events VALUES(29,1795792683094,'device',1,2,'leased','busy','admin','');
INSERT INTO events VALUES(30,1795792683202,'run',2,2,'staging','running','','');
INSERT INTO events VALUES(31,1795792685236,'run',2,2,'running','collecting','','');
INSERT INTO events VALUES(32,1795792685283,'run',2,2,'collecting','completed','','n=320, over=320, tau=1.0, n_eff=320, skipped=55; FAIL because the lower bound 2.588104 ms of p99 is over 0.001000 ms');
INSERT INTO events VALUES(33,1795792685283,'job',2,2,'running','completed','','');
INSERT INTO events VALUES(34,1795792685283,'lease',2,2,'active','releasing','admin','');
INSERT INTO events VALUES(35,1795792685283,'device',1,2,'busy','cleaning','','');
INSERT INTO events VALUES(36,1795792685285,'device',1,2,'cleaning','cooling','','');
INSERT INTO events VALUES(37,1795792685285,'lease',2,2,'releasing','released','admin','');
INSERT INTO events VALUES(38,1795792685285,'device',1,0,'cooling','ready','','');
CREATE TABLE audit (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	at_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	object TEXT NOT NULL,
	detail TEXT NOT NULL
) STRICT;
INSERT INTO audit VALUES(1,1795792678942,'admin','job.submit','j1','mlp');
INSERT INTO audit VALUES(2,1795792683094,'admin','job.submit','j2','mlp');
CREATE TABLE pins (
	id INTEGER PRIMARY KEY CHECK (id > 0), -- the job's
	at_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	reason TEXT NOT NULL
) STRICT;
CREATE INDEX devices_by_key ON devices (key);
CREATE INDEX leases_by_device ON leases (device);
CREATE INDEX leases_by_state ON leases (state);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_name ON jobs (name);
CREATE INDEX jobs_by_branch ON jobs (branch);
CREATE INDEX jobs_by_idempotency_key ON jobs (idempotency_key);
CREATE INDEX runs_by_job ON runs (job);
CREATE INDEX runs_by_device ON runs (device);
CREATE INDEX runs_by_state ON runs (state);
CREATE INDEX runs_by_verdict ON runs (verdict);
CREATE INDEX attempts_by_run ON attempts (run);
CREATE INDEX attempts_by_job ON attempts (job);
CREATE INDEX events_by_job ON events (job);
CREATE INDEX jobs_by_outcome ON jobs (state, verdict);
CREATE INDEX leases_by_end ON leases (ended_ms);
COMMIT;
