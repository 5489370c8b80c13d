# SPDX-License-Identifier: Apache-2.0
# A job that no known device can ever take ends (18), and one that wants more devices than there are.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
submit select=phone-9
end
     0.240 job 1: new -> queued
     0.240 answer #1: submitted
    10.240 run 1: queued -> errored  # no device that the farm knows, or too few, match the selector
    10.240 job 1: queued -> errored
    10.240   exit code 18, verdict none
submit count=2
end
    10.250 job 2: new -> queued
    10.250 lease 1: waiting -> granted
    10.250 device 1: ready -> leased
    10.250 run 2: queued -> assigned
    10.250 run 2: assigned -> staging
    10.250 job 2: queued -> running
    10.250 lease 1: granted -> active
    10.250 device 1: leased -> busy
    10.250   stage d1 a1 epoch 1
    10.250 answer #2: submitted
    10.360   start d1 a1 epoch 1
    10.470 run 2: staging -> running
    20.250 run 3: queued -> errored  # no device that the farm knows, or too few, match the selector
    20.470 run 2: running -> collecting
    20.570   judge d1 a1
    20.680 run 2: collecting -> completed
    20.680 job 2: running -> errored
    20.680   exit code 18, verdict none
    20.680 lease 1: active -> releasing
    20.680 device 1: busy -> cleaning
    20.680   discard d1 a1 (1)
    20.680   clean d1 epoch 1
    20.800 device 1: cleaning -> cooling
    20.800 lease 1: releasing -> released
    20.800 device 1: cooling -> ready
