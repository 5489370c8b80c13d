# SPDX-License-Identifier: Apache-2.0
# A job breaks on two of its five devices: the job is blamed and paused, not the devices, until it is mended.
devices 5
until device 5: preparing -> ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010 device 2: absent -> detected
     0.010 device 2: detected -> identifying
     0.010 device 3: absent -> detected
     0.010 device 3: detected -> identifying
     0.010 device 4: absent -> detected
     0.010 device 4: detected -> identifying
     0.010 device 5: absent -> detected
     0.010 device 5: detected -> identifying
     0.010   identify d1
     0.010   identify d2
     0.010   identify d3
     0.010   identify d4
     0.010   identify d5
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.130 device 2: identifying -> preparing
     0.130   prepare d2
     0.140 device 3: identifying -> preparing
     0.140   prepare d3
     0.150 device 4: identifying -> preparing
     0.150   prepare d4
     0.160 device 5: identifying -> preparing
     0.160   prepare d5
     0.230 device 1: preparing -> ready
     0.240 device 2: preparing -> ready
     0.250 device 3: preparing -> ready
     0.260 device 4: preparing -> ready
     0.270 device 5: preparing -> ready
next start breaks-badly runs=1
next start breaks-badly runs=1
submit count=5
until paused
     0.280 job 1: new -> queued
     0.280 lease 1: waiting -> granted
     0.280 device 1: ready -> leased
     0.280 lease 2: waiting -> granted
     0.280 device 2: ready -> leased
     0.280 lease 3: waiting -> granted
     0.280 device 3: ready -> leased
     0.280 lease 4: waiting -> granted
     0.280 device 4: ready -> leased
     0.280 lease 5: waiting -> granted
     0.280 device 5: ready -> leased
     0.280 run 5: queued -> assigned
     0.280 run 5: assigned -> staging
     0.280 job 1: queued -> running
     0.280 lease 5: granted -> active
     0.280 device 5: leased -> busy
     0.280 run 4: queued -> assigned
     0.280 run 4: assigned -> staging
     0.280 lease 4: granted -> active
     0.280 device 4: leased -> busy
     0.280 run 3: queued -> assigned
     0.280 run 3: assigned -> staging
     0.280 lease 3: granted -> active
     0.280 device 3: leased -> busy
     0.280 run 2: queued -> assigned
     0.280 run 2: assigned -> staging
     0.280 lease 2: granted -> active
     0.280 device 2: leased -> busy
     0.280 run 1: queued -> assigned
     0.280 run 1: assigned -> staging
     0.280 lease 1: granted -> active
     0.280 device 1: leased -> busy
     0.280   stage d5 a1 epoch 1
     0.280   stage d4 a2 epoch 1
     0.280   stage d3 a3 epoch 1
     0.280   stage d2 a4 epoch 1
     0.280   stage d1 a5 epoch 1
     0.280 answer #1: submitted
     0.390   start d5 a1 epoch 1
     0.400   start d4 a2 epoch 1
     0.410   start d3 a3 epoch 1
     0.420   start d2 a4 epoch 1
     0.430   start d1 a5 epoch 1
     0.500 run 5: staging -> running
     0.510 run 4: staging -> running
     0.520 run 3: staging -> running
     0.530 run 2: staging -> running
     0.540 run 1: staging -> running
     1.500 run 5: running -> queued  # as it was
     1.500 lease 5: active -> releasing  # as it was
     1.500 device 5: busy -> cleaning
     1.500   clean d5 epoch 1
     1.510 run 4: running -> queued  # as it was
     1.510 job 1: running -> paused  # 2 of its 5 devices failed: the job is blamed and paused; `framefarm job retry j1` when it is mended. Last: as it was
     1.510 lease 4: active -> releasing  # as it was
     1.510 device 4: busy -> cleaning
     1.510   collect d4 epoch 1 (2)
wait 30
     1.600   discard d5 a1 (1)
     1.610   discard d4 a2 (2)
     1.620 device 5: cleaning -> cooling
     1.620 lease 5: releasing -> released
     1.620 device 5: cooling -> ready
     1.630   clean d4 epoch 1
     1.740 device 4: cleaning -> cooling
     1.740 lease 4: releasing -> released
     1.740 device 4: cooling -> ready
    10.520 run 3: running -> collecting
    10.530 run 2: running -> collecting
    10.540 run 1: running -> collecting
    10.620   judge d3 a3
    10.630   judge d2 a4
    10.640   judge d1 a5
    10.730 run 3: collecting -> completed
    10.730 lease 3: active -> releasing
    10.730 device 3: busy -> cleaning
    10.730   discard d3 a3 (3)
    10.730   clean d3 epoch 1
    10.740 run 2: collecting -> completed
    10.740 lease 2: active -> releasing
    10.740 device 2: busy -> cleaning
    10.740   discard d2 a4 (4)
    10.740   clean d2 epoch 1
    10.750 run 1: collecting -> completed
    10.750 lease 1: active -> releasing
    10.750 device 1: busy -> cleaning
    10.750   discard d1 a5 (5)
    10.750   clean d1 epoch 1
    10.850 device 3: cleaning -> cooling
    10.850 lease 3: releasing -> released
    10.850 device 3: cooling -> ready
    10.870 device 2: cleaning -> cooling
    10.870 lease 2: releasing -> released
    10.870 device 2: cooling -> ready
    10.890 device 1: cleaning -> cooling
    10.890 lease 1: releasing -> released
    10.890 device 1: cooling -> ready
retry 1
end
    31.520 job 1: paused -> running  # it was mended
    31.520 lease 6: waiting -> granted
    31.520 device 5: ready -> leased
    31.520 lease 7: waiting -> granted
    31.520 device 4: ready -> leased
    31.520 run 5: queued -> assigned
    31.520 run 5: assigned -> staging
    31.520 lease 7: granted -> active
    31.520 device 4: leased -> busy
    31.520 run 4: queued -> assigned
    31.520 run 4: assigned -> staging
    31.520 lease 6: granted -> active
    31.520 device 5: leased -> busy
    31.520   stage d4 a6 epoch 2
    31.520   stage d5 a7 epoch 2
    31.520 answer #2: goes on
    31.630   start d4 a6 epoch 2
    31.640   start d5 a7 epoch 2
    31.740 run 5: staging -> running
    31.750 run 4: staging -> running
    41.740 run 5: running -> collecting
    41.750 run 4: running -> collecting
    41.840   judge d4 a6
    41.850   judge d5 a7
    41.950 run 5: collecting -> completed
    41.950 lease 7: active -> releasing
    41.950 device 4: busy -> cleaning
    41.950   discard d4 a6 (6)
    41.950   clean d4 epoch 2
    41.960 run 4: collecting -> completed
    41.960 job 1: running -> completed
    41.960   exit code 0, verdict pass
    41.960 lease 6: active -> releasing
    41.960 device 5: busy -> cleaning
    41.960   discard d5 a7 (7)
    41.960   clean d5 epoch 2
    42.070 device 4: cleaning -> cooling
    42.070 lease 7: releasing -> released
    42.070 device 4: cooling -> ready
    42.090 device 5: cleaning -> cooling
    42.090 lease 6: releasing -> released
    42.090 device 5: cooling -> ready
