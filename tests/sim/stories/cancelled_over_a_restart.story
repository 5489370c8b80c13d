# SPDX-License-Identifier: Apache-2.0
# A job is cancelled, and the controller crashes before the stop arrives: the run is stopped after the restart.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
next start works runs=3000
submit
until staging -> running
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
next stop stalls
cancel 1
until answer
     0.470   stop d1 a1 epoch 1 (1)
     0.470 answer #2: cancelling
crash between
     0.470 the controller crashes
until cancelled
     0.480 device 1: busy -> absent  # the controller was restarted
     0.480 run 1: running -> reattaching  # the controller was restarted
     0.480 device 2: absent -> detected
     0.480 device 2: detected -> identifying
     0.480   identify d2
     0.590 device 2: identifying -> absent  # it is known
     0.590 device 1: absent -> detected
     0.590 device 1: detected -> identifying
     0.590 device 1: identifying -> preparing
     0.590   prepare d1 epoch 1
     0.700 device 1: preparing -> busy
     0.700 run 1: reattaching -> running  # its agent answers again
     0.700   stop d1 a1 epoch 1 (1)
     0.810 run 1: running -> cancelled  # cancelled
     0.810 job 1: running -> cancelled
     0.810   exit code 19, verdict none
     0.810 lease 1: active -> releasing
     0.810 device 1: busy -> cleaning
     0.810   clean d1 epoch 1
end
     0.910   discard d1 a1 (1)
     0.920 device 1: cleaning -> cooling
     0.920 lease 1: releasing -> released
     0.920 device 1: cooling -> ready
