# SPDX-License-Identifier: Apache-2.0
# The controller crashes when a job is stored and nobody was told: it is run, and the same key finds it.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
submit key=ours
crash after
     0.230 the controller crashes behind a commit
wait 3
     0.240 device 1: busy -> absent  # the controller was restarted
     0.240 run 1: staging -> queued  # the controller was restarted
     0.240 lease 1: active -> releasing  # the controller was restarted
     0.240 device 2: absent -> detected
     0.240 device 2: detected -> identifying
     0.240   identify d2
     0.350 device 2: identifying -> absent  # it is known
     0.350 device 1: absent -> detected
     0.350 device 1: detected -> identifying
     0.350 device 1: identifying -> preparing
     0.350   prepare d1 epoch 1
     0.460 device 1: preparing -> cleaning
     0.460   clean d1 epoch 1
     0.570 device 1: cleaning -> cooling
     0.570 lease 1: releasing -> released
     0.570 device 1: cooling -> ready
     0.570 lease 2: waiting -> granted
     0.570 device 1: ready -> leased
     0.570 run 1: queued -> assigned
     0.570 run 1: assigned -> staging
     0.570 lease 2: granted -> active
     0.570 device 1: leased -> busy
     0.570   stage d1 a2 epoch 2
     0.680   start d1 a2 epoch 2
     0.790 run 1: staging -> running
submit key=ours
end
     3.240 answer #2: submitted before
    10.790 run 1: running -> collecting
    10.890   judge d1 a2
    11.000 run 1: collecting -> completed
    11.000 job 1: running -> completed
    11.000   exit code 0, verdict pass
    11.000 lease 2: active -> releasing
    11.000 device 1: busy -> cleaning
    11.000   discard d1 a2 (2)
    11.000   clean d1 epoch 2
    11.120 device 1: cleaning -> cooling
    11.120 lease 2: releasing -> released
    11.120 device 1: cooling -> ready
