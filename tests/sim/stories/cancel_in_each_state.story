# SPDX-License-Identifier: Apache-2.0
# A job is cancelled while it waits, is staged, runs, collects and is judged; cancelled twice; and when it has ended.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
submit
until assigned -> staging
     0.240 job 1: new -> queued
     0.240 lease 1: waiting -> granted
     0.240 device 1: ready -> leased
     0.240 run 1: queued -> assigned
     0.240 run 1: assigned -> staging
     0.240 job 1: queued -> running
     0.240 lease 1: granted -> active
     0.240 device 1: leased -> busy
     0.240   stage d1 a1 epoch 1
     0.240 answer #1: submitted
cancel 1
end
     0.250   cancel stage d1 a1
     0.250 answer #2: cancelling
     0.260 run 1: staging -> cancelled  # cancelled
     0.260 job 1: running -> cancelled
     0.260   exit code 19, verdict none
     0.260 lease 1: active -> releasing
     0.260 device 1: busy -> cleaning
     0.260   clean d1 epoch 1
     0.370 device 1: cleaning -> cooling
     0.370 lease 1: releasing -> released
     0.370 device 1: cooling -> ready
submit
until staging -> running
     0.380 job 2: new -> queued
     0.380 lease 2: waiting -> granted
     0.380 device 1: ready -> leased
     0.380 run 2: queued -> assigned
     0.380 run 2: assigned -> staging
     0.380 job 2: queued -> running
     0.380 lease 2: granted -> active
     0.380 device 1: leased -> busy
     0.380   stage d1 a2 epoch 2
     0.380 answer #3: submitted
     0.490   start d1 a2 epoch 2
     0.600 run 2: staging -> running
cancel 2
end
     0.610   stop d1 a2 epoch 2 (2)
     0.610 answer #4: cancelling
     0.720 run 2: running -> cancelled  # cancelled
     0.720 job 2: running -> cancelled
     0.720   exit code 19, verdict none
     0.720 lease 2: active -> releasing
     0.720 device 1: busy -> cleaning
     0.720   clean d1 epoch 2
     0.820   discard d1 a2 (2)
     0.830 device 1: cleaning -> cooling
     0.830 lease 2: releasing -> released
     0.830 device 1: cooling -> ready
next start works stored=5
submit
until running -> collecting
     0.940 job 3: new -> queued
     0.940 lease 3: waiting -> granted
     0.940 device 1: ready -> leased
     0.940 run 3: queued -> assigned
     0.940 run 3: assigned -> staging
     0.940 job 3: queued -> running
     0.940 lease 3: granted -> active
     0.940 device 1: leased -> busy
     0.940   stage d1 a3 epoch 3
     0.940 answer #5: submitted
     1.050   start d1 a3 epoch 3
     1.160 run 3: staging -> running
    11.160 run 3: running -> collecting
cancel 3
end
    11.170 run 3: collecting -> cancelled  # cancelled
    11.170 job 3: running -> cancelled
    11.170   exit code 19, verdict none
    11.170 lease 3: active -> releasing
    11.170 device 1: busy -> cleaning
    11.170   clean d1 epoch 3
    11.170 answer #6: cancelling
    11.280 device 1: cleaning -> cooling
    11.280 lease 3: releasing -> released
    11.280 device 1: cooling -> ready
    16.160   discard d1 a3 (3)
next judge pass takes=5
submit
until judge
    16.280 job 4: new -> queued
    16.280 lease 4: waiting -> granted
    16.280 device 1: ready -> leased
    16.280 run 4: queued -> assigned
    16.280 run 4: assigned -> staging
    16.280 job 4: queued -> running
    16.280 lease 4: granted -> active
    16.280 device 1: leased -> busy
    16.280   stage d1 a4 epoch 4
    16.280 answer #7: submitted
    16.390   start d1 a4 epoch 4
    16.500 run 4: staging -> running
    26.500 run 4: running -> collecting
    26.600   judge d1 a4
cancel 4
end
    26.610 run 4: collecting -> cancelled  # cancelled
    26.610 job 4: running -> cancelled
    26.610   exit code 19, verdict none
    26.610 lease 4: active -> releasing
    26.610 device 1: busy -> cleaning
    26.610   cancel judge d1 a4
    26.610   discard d1 a4 (4)
    26.610   clean d1 epoch 4
    26.610 answer #8: cancelling
    26.730 device 1: cleaning -> cooling
    26.730 lease 4: releasing -> released
    26.730 device 1: cooling -> ready
submit
submit
until job 6: new
    26.740 job 5: new -> queued
    26.740 lease 5: waiting -> granted
    26.740 device 1: ready -> leased
    26.740 run 5: queued -> assigned
    26.740 run 5: assigned -> staging
    26.740 job 5: queued -> running
    26.740 lease 5: granted -> active
    26.740 device 1: leased -> busy
    26.740 job 6: new -> queued
    26.740   stage d1 a5 epoch 5
    26.740 answer #9: submitted
    26.740 answer #10: submitted
cancel 6
cancel 6
end
    26.750 run 6: queued -> cancelled  # not wanted any more
    26.750 job 6: queued -> cancelled
    26.750   exit code 19, verdict none
    26.750 answer #11: cancelling
    26.750 answer #12: cancelling
    26.850   start d1 a5 epoch 5
    26.960 run 5: staging -> running
    36.960 run 5: running -> collecting
    37.060   judge d1 a5
    37.170 run 5: collecting -> completed
    37.170 job 5: running -> completed
    37.170   exit code 0, verdict pass
    37.170 lease 5: active -> releasing
    37.170 device 1: busy -> cleaning
    37.170   discard d1 a5 (5)
    37.170   clean d1 epoch 5
    37.290 device 1: cleaning -> cooling
    37.290 lease 5: releasing -> released
    37.290 device 1: cooling -> ready
cancel 6
wait 1
    37.300 answer #13: there is no live job j6; it may have ended
