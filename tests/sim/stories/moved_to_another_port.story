# SPDX-License-Identifier: Apache-2.0
# A phone re-enumerates before its old connection is known to be gone: it waits for that, and goes on.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
move 0 3
until preparing -> ready
     0.240 device 1: ready -> recovering  # it re-enumerates
     0.240 device 2: absent -> detected
     0.240 device 2: detected -> identifying
     0.240   identify d2
     0.350 device 2: identifying -> needs_human  # phone-0 (d1), which is connected at port, has the same identity; if they are two, disconnect one of them
     1.240 device 1: recovering -> identifying
     1.240   identify d1
     1.250 device 1: identifying -> recovering  # device gone
     3.240 device 2: needs_human -> identifying
     3.240 device 1: recovering -> absent  # it was elsewhere
     3.240   identify d2
     3.350 device 2: identifying -> absent  # it is known
     3.350 device 1: absent -> detected
     3.350 device 1: detected -> identifying
     3.350 device 1: identifying -> preparing
     3.350   prepare d1
     3.460 device 1: preparing -> ready
