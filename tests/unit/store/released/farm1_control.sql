-- SPDX-License-Identifier: Apache-2.0
-- control.db as a daemon before devices had a place left it: two jobs of the tiny MLP, one of them over its budget.
PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA application_id = 1179018100; PRAGMA user_version = 1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
	key TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('farm_id','849b5dae639d1475');
INSERT INTO meta VALUES('store.pair','1bdc7b0a3152b1c7958a28579b309eaa');
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
) STRICT;
INSERT INTO devices VALUES(1,'local:0035969ec53f6e7f','local','vm','local','Intel(R) Xeon(R) Processor','x86_64','Debian GNU/Linux 12 (bookworm), Linux 6.1.0-26-amd64','debian 12, Linux 6.1.0-26-amd64','33b03318-ee35-43f6-a833-9f0a51e4c138','{"id":"d1","kind":"local","name":"local","model":"Intel(R) Xeon(R) Processor","abi":"x86_64","cpu.cores":"2","cpu.vendor":"GenuineIntel","ram_mb":"24105","kernel":"6.1.0-26-amd64","os.id":"debian","os.version":"12","virtualised":"yes"}','[{"name":"runner.rss","unit":"B","source":"/proc/PID/stat","available":true},{"name":"runner.cpu_time","unit":"s","source":"/proc/PID/stat","available":true},{"name":"runner.major_faults","unit":"","source":"/proc/PID/stat","available":true},{"name":"runner.threads","unit":"","source":"/proc/PID/stat","available":true},{"name":"runner.switches_voluntary","unit":"","source":"/proc/PID/status","available":true},{"name":"runner.switches_involuntary","unit":"","source":"/proc/PID/status","available":true},{"name":"mem.available","unit":"B","source":"/proc/meminfo","available":true},{"name":"mem.free","unit":"B","source":"/proc/meminfo","available":true},{"name":"mem.swap_free","unit":"B","source":"/proc/meminfo","available":true},{"name":"mem.cma_free","unit":"B","source":"/proc/meminfo","available":false,"error":"No data available"},{"name":"load.1m","unit":"","source":"/proc/loadavg","available":true},{"name":"load.runnable","unit":"","source":"/proc/loadavg","available":true},{"name":"vm.major_faults","unit":"","source":"/proc/vmstat","available":true},{"name":"vm.swap_in","unit":"pages","source":"/proc/vmstat","available":true},{"name":"vm.swap_out","unit":"pages","source":"/proc/vmstat","available":true},{"name":"vm.oom_kills","unit":"","source":"/proc/vmstat","available":true},{"name":"cpu.busy","unit":"%","source":"/proc/stat","available":true},{"name":"cpu.0.busy","unit":"%","source":"/proc/stat","available":true},{"name":"cpu.1.busy","unit":"%","source":"/proc/stat","available":true},{"name":"cpu.policy0.freq","unit":"Hz","source":"/sys/devices/system/cpu/cpufreq","available":false,"error":"No such file or directory"},{"name":"cpu.online","unit":"","source":"/sys/devices/system/cpu/online","available":true}]',17,0,7,2,'',0,0,2,1795777450953,1795777450953,1795777453696);
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
INSERT INTO leases VALUES(1,1,1,1,0,5,5,1,0,0,1795777451061,1795777451061,1795777742316,1795777452539,'admin','',NULL);
INSERT INTO leases VALUES(2,1,1,2,0,5,5,2,0,0,1795777452611,1795777452611,1795777743524,1795777453696,'admin','',NULL);
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
INSERT INTO jobs VALUES(1,4,1,0,'mlp','admin','main','c0ffee','{}','{"schema":"framefarm.job/1","name":"mlp","model":{"name":"mlp","variants":[{"name":"fp32","file":{"sha256":"fa3b39e5326ebce2ebb8ac6b6885bc03763a5f739ecec61294cfaebb8d39c425","bytes":8161,"name":"mlp_16_32_10.onnx"}}]},"runner":{"name":"onnxruntime","threads":1},"inputs":[{"name":"input","fill":"normal","seed":7}],"measure":{"pace_hz":1000,"min_runs":320,"min_ms":320,"max_ms":20000,"warmup_min_ms":10,"warmup_max_ms":500,"baseline_ms":50,"thermal_wait_ms":0},"devices":{"select":{"kind":"local"}},"budget":{"ms":10000},"commit":"c0ffee","branch":"main"}','94c659c134f18208ab35297ebb640ed9b61c6c71ac4a012fb4d448560f5862cf','a498e2e8424ca5af16c0df07f053d9bd',0,1,1,0,0,'',1795777451061,1795777451061,1795777452530);
INSERT INTO jobs VALUES(2,4,2,10,'mlp','admin','','','{}','{"schema":"framefarm.job/1","name":"mlp","model":{"name":"mlp","variants":[{"name":"fp32","file":{"sha256":"fa3b39e5326ebce2ebb8ac6b6885bc03763a5f739ecec61294cfaebb8d39c425","bytes":8161,"name":"mlp_16_32_10.onnx"}}]},"runner":{"name":"onnxruntime","threads":1},"inputs":[{"name":"input","fill":"normal","seed":7}],"measure":{"pace_hz":1000,"min_runs":320,"min_ms":320,"max_ms":20000,"warmup_min_ms":10,"warmup_max_ms":500,"baseline_ms":50,"thermal_wait_ms":0},"devices":{"select":{"kind":"local"}},"budget":{"ms":0.001}}','0b957646960196f6bc45b2e9d1d92702388a095939c6c58d1472337b82be5df0','fb46c0d8e725c6b98c0271f22e1492a6',0,1,1,0,0,'',1795777452611,1795777452611,1795777453685);
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
INSERT INTO runs VALUES(1,1,0,0,0,1,0,7,1,0,0,1,1,0,'fp32','n=320, over=0, tau=1.0, n_eff=320, skipped=25; PASS because the upper bound 3.90 ms of p99 is within 10000.00 ms','{"schema":"framefarm.result/1","model":"mlp","variant":"fp32","verdict":"pass","exit_code":0,"text":"n=320, over=0, tau=1.0, n_eff=320, skipped=25; PASS because the upper bound 3.90 ms of p99 is within 10000.00 ms","gates":[{"name":"execution","verdict":"pass","void":false,"text":"the model ran to its end; PASS"},{"name":"budget","verdict":"pass","void":false,"text":"n=320, over=0, tau=1.0, n_eff=320, skipped=25; PASS because the upper bound 3.90 ms of p99 is within 10000.00 ms","budget_ns":10000000000,"percentile":0.99,"percentile_method":"nearest_rank","value_ns":3318221,"lower_ns":2507811,"upper_ns":3897253,"confidence":0.95,"n":320,"over":0,"skipped":25,"tau":1,"n_eff":320,"over_eff_pass":0,"n_eff_fail":320,"over_eff_fail":0,"min_n":299,"rounds":1,"method":"pooled"}],"metrics":{"paced":{"n":320,"p50_ns":108837,"p90_ns":150754,"p99_ns":3318221,"p99_early_stopping_ns":null,"min_ns":41909,"max_ns":3897253,"mean_ns":219400,"sd_ns":530016,"cv":2.4157487105953517,"jitter":30.487986622196495,"over":0,"over_percent":0,"longest_streak":0},"exec":{"n":320,"p50_ns":21411,"p90_ns":25550,"p99_ns":27018,"p99_early_stopping_ns":null,"min_ns":5569,"max_ns":29248,"mean_ns":20878,"sd_ns":3932,"cv":0.18830838663293137,"jitter":1.2618747372845733,"over":0,"over_percent":0,"longest_streak":0},"load_cold_ns":91102896,"load_warm_ns":59317807,"first_ns":82875,"warmup_runs":1360,"warmup_median_ns":1786,"warmup_stable":1,"rss_peak_bytes":38227968,"rss_after_load_bytes":37658624},"provider":{"requested":"cpu","used":"cpu","fallback":"none","time_share":null,"nodes":{},"runtime":"1.27.0"},"environment":{"thermal":"unobserved","thermal_gate":"unobserved","labels":["thermal=unobserved"]},"rounds":[{"round":1,"attempt":1,"n":320,"p50_ns":108837,"p99_ns":3318221,"over":0}]}',1795777451061,1795777451061,1795777452530);
INSERT INTO runs VALUES(2,2,0,0,0,1,0,7,2,0,10,1,1,0,'fp32','n=320, over=320, tau=1.0, n_eff=320, skipped=23; FAIL because the lower bound 1.71 ms of p99 is over 0.00 ms','{"schema":"framefarm.result/1","model":"mlp","variant":"fp32","verdict":"fail","exit_code":10,"text":"n=320, over=320, tau=1.0, n_eff=320, skipped=23; FAIL because the lower bound 1.71 ms of p99 is over 0.00 ms","gates":[{"name":"execution","verdict":"pass","void":false,"text":"the model ran to its end; PASS"},{"name":"budget","verdict":"fail","void":false,"text":"n=320, over=320, tau=1.0, n_eff=320, skipped=23; FAIL because the lower bound 1.71 ms of p99 is over 0.00 ms","budget_ns":1000,"percentile":0.99,"percentile_method":"nearest_rank","value_ns":2558739,"lower_ns":1707273,"upper_ns":3543274,"confidence":0.95,"n":320,"over":320,"skipped":23,"tau":1,"n_eff":320,"over_eff_pass":320,"n_eff_fail":320,"over_eff_fail":320,"min_n":299,"rounds":1,"method":"pooled"}],"metrics":{"paced":{"n":320,"p50_ns":113456,"p90_ns":273073,"p99_ns":2558739,"p99_early_stopping_ns":null,"min_ns":43180,"max_ns":3543274,"mean_ns":223605,"sd_ns":433444,"cv":1.93844059774118,"jitter":22.552698843604571,"over":320,"over_percent":100,"longest_streak":320},"exec":{"n":320,"p50_ns":25493,"p90_ns":28320,"p99_ns":31957,"p99_early_stopping_ns":null,"min_ns":7589,"max_ns":40169,"mean_ns":24922,"sd_ns":3752,"cv":0.15053472680260921,"jitter":1.253559800729612,"over":320,"over_percent":100,"longest_streak":320},"load_cold_ns":78251825,"load_warm_ns":90540206,"first_ns":95207,"warmup_runs":2820,"warmup_median_ns":1848,"warmup_stable":1,"rss_peak_bytes":38125568,"rss_after_load_bytes":37560320},"provider":{"requested":"cpu","used":"cpu","fallback":"none","time_share":null,"nodes":{},"runtime":"1.27.0"},"environment":{"thermal":"unobserved","thermal_gate":"unobserved","labels":["thermal=unobserved"]},"rounds":[{"round":1,"attempt":2,"n":320,"p50_ns":113456,"p99_ns":2558739,"over":320}]}',1795777452611,1795777452611,1795777453685);
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
INSERT INTO attempts VALUES(1,1,1,1,1,1,1,5,0,0,1,0,'','{"model_sha256":"fa3b39e5326ebce2ebb8ac6b6885bc03763a5f739ecec61294cfaebb8d39c425","runner":"onnxruntime","runner_sha256":"4d0574cf7ce0a2eae82091a3f8de9df9ffe70ea20625f525adf9ccbfff773e80","runtime_sha256":"d8aff4aa8abee8fb2abb2f2f2459ffc94461e781e41b9f7c072829dd0d470221","agent_sha256":"c5e534fddb46f81e813befaa807d78df167b25bb37589e6e39e04612aaa73991","agent_version":"0.1.0","job_sha256":"94c659c134f18208ab35297ebb640ed9b61c6c71ac4a012fb4d448560f5862cf","os":"Debian GNU/Linux 12 (bookworm), Linux 6.1.0-26-amd64","fingerprint":"debian 12, Linux 6.1.0-26-amd64","boot_id":"e07ed85c-49e7-45bc-a18a-7e8b01a54a7f","context":"shell","virtual":false,"protections":"no_new_privs,rlimits,netns,landlock=7,uid=65506,seccomp"}',1795777451061,1795777451764,1795777452530);
INSERT INTO attempts VALUES(2,2,2,1,2,2,1,5,0,0,1,0,'','{"model_sha256":"fa3b39e5326ebce2ebb8ac6b6885bc03763a5f739ecec61294cfaebb8d39c425","runner":"onnxruntime","runner_sha256":"4d0574cf7ce0a2eae82091a3f8de9df9ffe70ea20625f525adf9ccbfff773e80","runtime_sha256":"d8aff4aa8abee8fb2abb2f2f2459ffc94461e781e41b9f7c072829dd0d470221","agent_sha256":"c5e534fddb46f81e813befaa807d78df167b25bb37589e6e39e04612aaa73991","agent_version":"0.1.0","job_sha256":"0b957646960196f6bc45b2e9d1d92702388a095939c6c58d1472337b82be5df0","os":"Debian GNU/Linux 12 (bookworm), Linux 6.1.0-26-amd64","fingerprint":"debian 12, Linux 6.1.0-26-amd64","boot_id":"e07ed85c-49e7-45bc-a18a-7e8b01a54a7f","context":"shell","virtual":false,"protections":"no_new_privs,rlimits,netns,landlock=7,uid=65506,seccomp"}',1795777452611,1795777452932,1795777453685);
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
INSERT INTO events VALUES(1,1795777450953,'device',1,0,'absent','detected','','');
INSERT INTO events VALUES(2,1795777450953,'device',1,0,'detected','identifying','','');
INSERT INTO events VALUES(3,1795777450988,'device',1,0,'identifying','preparing','','');
INSERT INTO events VALUES(4,1795777451030,'device',1,0,'preparing','ready','','');
INSERT INTO events VALUES(5,1795777451061,'job',1,1,'','queued','admin','');
INSERT INTO events VALUES(6,1795777451061,'lease',1,1,'waiting','granted','admin','');
INSERT INTO events VALUES(7,1795777451061,'device',1,1,'ready','leased','','');
INSERT INTO events VALUES(8,1795777451061,'run',1,1,'queued','assigned','','');
INSERT INTO events VALUES(9,1795777451061,'run',1,1,'assigned','staging','','');
INSERT INTO events VALUES(10,1795777451061,'job',1,1,'queued','running','','');
INSERT INTO events VALUES(11,1795777451061,'lease',1,1,'granted','active','admin','');
INSERT INTO events VALUES(12,1795777451061,'device',1,1,'leased','busy','','');
INSERT INTO events VALUES(13,1795777451764,'run',1,1,'staging','running','','');
INSERT INTO events VALUES(14,1795777452505,'run',1,1,'running','collecting','','');
INSERT INTO events VALUES(15,1795777452530,'run',1,1,'collecting','completed','','n=320, over=0, tau=1.0, n_eff=320, skipped=25; PASS because the upper bound 3.90 ms of p99 is within 10000.00 ms');
INSERT INTO events VALUES(16,1795777452530,'job',1,1,'running','completed','','');
INSERT INTO events VALUES(17,1795777452530,'lease',1,1,'active','releasing','admin','');
INSERT INTO events VALUES(18,1795777452530,'device',1,1,'busy','cleaning','','');
INSERT INTO events VALUES(19,1795777452539,'device',1,1,'cleaning','cooling','','');
INSERT INTO events VALUES(20,1795777452539,'lease',1,1,'releasing','released','admin','');
INSERT INTO events VALUES(21,1795777452539,'device',1,0,'cooling','ready','','');
INSERT INTO events VALUES(22,1795777452611,'job',2,2,'','queued','admin','');
INSERT INTO events VALUES(23,1795777452611,'lease',2,2,'waiting','granted','admin','');
INSERT INTO events VALUES(24,1795777452611,'device',1,2,'ready','leased','','');
INSERT INTO events VALUES(25,1795777452611,'run',2,2,'queued','assigned','','');
INSERT INTO events VALUES(26,1795777452611,'run',2,2,'assigned','staging','','');
INSERT INTO events VALUES(27,1795777452611,'job',2,2,'queued','running','','');
INSERT INTO events VALUES(28,1795777452611,'lease',2,2,'granted','active','admin','');
INSERT INTO events VALUES(29,1795777452611,'device',1,2,'leased','busy','','');
INSERT INTO events VALUES(30,1795777452932,'run',2,2,'staging','running','','');
INSERT INTO events VALUES(31,1795777453652,'run',2,2,'running','collecting','','');
INSERT INTO events VALUES(32,1795777453685,'run',2,2,'collecting','completed','','n=320, over=320, tau=1.0, n_eff=320, skipped=23; FAIL because the lower bound 1.71 ms of p99 is over 0.00 ms');
INSERT INTO events VALUES(33,1795777453685,'job',2,2,'running','completed','','');
INSERT INTO events VALUES(34,1795777453685,'lease',2,2,'active','releasing','admin','');
INSERT INTO events VALUES(35,1795777453685,'device',1,2,'busy','cleaning','','');
INSERT INTO events VALUES(36,1795777453696,'device',1,2,'cleaning','cooling','','');
INSERT INTO events VALUES(37,1795777453696,'lease',2,2,'releasing','released','admin','');
INSERT INTO events VALUES(38,1795777453696,'device',1,0,'cooling','ready','','');
CREATE TABLE audit (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	at_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	object TEXT NOT NULL,
	detail TEXT NOT NULL
) STRICT;
INSERT INTO audit VALUES(1,1795777451061,'admin','job.submit','j1','mlp');
INSERT INTO audit VALUES(2,1795777452611,'admin','job.submit','j2','mlp');
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
COMMIT;
