# SPDX-License-Identifier: Apache-2.0
# Five failures in a row that are the phone's: it is quarantined, and an operator brings it back.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
next start breaks-badly runs=1
next start breaks-badly runs=1
next start breaks-badly runs=1
next start breaks-badly runs=1
next start breaks-badly runs=1
submit retries=0
end
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
     0.350   start d1 a1 epoch 1
     0.460 run 1: staging -> running
     1.460 run 1: running -> errored  # as it was
     1.460 job 1: running -> errored
     1.460   exit code 20, verdict none
     1.460 lease 1: active -> releasing  # as it was
     1.460 device 1: busy -> cleaning
     1.460   collect d1 epoch 1 (1)
     1.560   discard d1 a1 (1)
     1.570   clean d1 epoch 1
     1.680 device 1: cleaning -> cooling
     1.680 lease 1: releasing -> released
     1.680 device 1: cooling -> ready
submit retries=0
end
     1.690 job 2: new -> queued
     1.690 lease 2: waiting -> granted
     1.690 device 1: ready -> leased
     1.690 run 2: queued -> assigned
     1.690 run 2: assigned -> staging
     1.690 job 2: queued -> running
     1.690 lease 2: granted -> active
     1.690 device 1: leased -> busy
     1.690   stage d1 a2 epoch 2
     1.690 answer #2: submitted
     1.800   start d1 a2 epoch 2
     1.910 run 2: staging -> running
     2.910 run 2: running -> errored  # as it was
     2.910 job 2: running -> errored
     2.910   exit code 20, verdict none
     2.910 lease 2: active -> releasing  # as it was
     2.910 device 1: busy -> cleaning
     2.910   collect d1 epoch 2 (2)
     3.010   discard d1 a2 (2)
     3.020   clean d1 epoch 2
     3.130 device 1: cleaning -> cooling
     3.130 lease 2: releasing -> released
     3.130 device 1: cooling -> ready
submit retries=0
end
     3.140 job 3: new -> queued
     3.140 lease 3: waiting -> granted
     3.140 device 1: ready -> leased
     3.140 run 3: queued -> assigned
     3.140 run 3: assigned -> staging
     3.140 job 3: queued -> running
     3.140 lease 3: granted -> active
     3.140 device 1: leased -> busy
     3.140   stage d1 a3 epoch 3
     3.140 answer #3: submitted
     3.250   start d1 a3 epoch 3
     3.360 run 3: staging -> running
     4.360 run 3: running -> errored  # as it was
     4.360 job 3: running -> errored
     4.360   exit code 20, verdict none
     4.360 lease 3: active -> releasing  # as it was
     4.360 device 1: busy -> cleaning
     4.360   collect d1 epoch 3 (3)
     4.460   discard d1 a3 (3)
     4.470   clean d1 epoch 3
     4.580 device 1: cleaning -> cooling
     4.580 lease 3: releasing -> released
     4.580 device 1: cooling -> ready
submit retries=0
end
     4.590 job 4: new -> queued
     4.590 lease 4: waiting -> granted
     4.590 device 1: ready -> leased
     4.590 run 4: queued -> assigned
     4.590 run 4: assigned -> staging
     4.590 job 4: queued -> running
     4.590 lease 4: granted -> active
     4.590 device 1: leased -> busy
     4.590   stage d1 a4 epoch 4
     4.590 answer #4: submitted
     4.700   start d1 a4 epoch 4
     4.810 run 4: staging -> running
     5.810 run 4: running -> errored  # as it was
     5.810 job 4: running -> errored
     5.810   exit code 20, verdict none
     5.810 lease 4: active -> releasing  # as it was
     5.810 device 1: busy -> cleaning
     5.810   collect d1 epoch 4 (4)
     5.910   discard d1 a4 (4)
     5.920   clean d1 epoch 4
     6.030 device 1: cleaning -> cooling
     6.030 lease 4: releasing -> released
     6.030 device 1: cooling -> ready
submit retries=0
until quarantined
     6.040 job 5: new -> queued
     6.040 lease 5: waiting -> granted
     6.040 device 1: ready -> leased
     6.040 run 5: queued -> assigned
     6.040 run 5: assigned -> staging
     6.040 job 5: queued -> running
     6.040 lease 5: granted -> active
     6.040 device 1: leased -> busy
     6.040   stage d1 a5 epoch 5
     6.040 answer #5: submitted
     6.150   start d1 a5 epoch 5
     6.260 run 5: staging -> running
     7.260 run 5: running -> errored  # as it was
     7.260 job 5: running -> errored
     7.260   exit code 20, verdict none
     7.260 lease 5: active -> releasing  # as it was
     7.260 device 1: busy -> cleaning
     7.260   collect d1 epoch 5 (5)
     7.360   discard d1 a5 (5)
     7.370   clean d1 epoch 5
     7.480 device 1: cleaning -> quarantined  # as it was
     7.480 lease 5: releasing -> released
wait 1
operate release 1
until ready
     8.490 device 1: quarantined -> identifying
     8.490   identify d1
     8.490 answer #6: released from quarantine
     8.600 device 1: identifying -> preparing
     8.600   prepare d1
     8.710 device 1: preparing -> ready
submit
end
     8.720 job 6: new -> queued
     8.720 lease 6: waiting -> granted
     8.720 device 1: ready -> leased
     8.720 run 6: queued -> assigned
     8.720 run 6: assigned -> staging
     8.720 job 6: queued -> running
     8.720 lease 6: granted -> active
     8.720 device 1: leased -> busy
     8.720   stage d1 a6 epoch 6
     8.720 answer #7: submitted
     8.830   start d1 a6 epoch 6
     8.940 run 6: staging -> running
    18.940 run 6: running -> collecting
    19.040   judge d1 a6
    19.150 run 6: collecting -> completed
    19.150 job 6: running -> completed
    19.150   exit code 0, verdict pass
    19.150 lease 6: active -> releasing
    19.150 device 1: busy -> cleaning
    19.150   discard d1 a6 (6)
    19.150   clean d1 epoch 6
    19.270 device 1: cleaning -> cooling
    19.270 lease 6: releasing -> released
    19.270 device 1: cooling -> ready
