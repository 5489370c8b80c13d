# SPDX-License-Identifier: Apache-2.0
# The local driver is tested with the real agent too.
$(B)/tests/drivers/test_local_real: | $(B)/framefarm-agent
