# SPDX-License-Identifier: Apache-2.0
#	make install [DESTDIR=/tmp/pkg] [PREFIX=/usr/local] [SYSCONFDIR=/etc]
#	make uninstall                 with the same
# What was built for other ABIs (make agents) is installed too, if it is there. ONNX Runtime's library goes
# along where the host has none of its own; ORT= leaves it out. etc/build/install.sh does it.

DESTDIR    ?=
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc

INSTALL = DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" SYSCONFDIR="$(SYSCONFDIR)"

# The option table as a file.
$(B)/framefarm.conf: $(B)/framefarm
	@"$(if $(filter /%,$<),$<,./$<)" help --config >"$@"

install: all docs $(B)/framefarm.conf
ifeq ($(origin ORT),undefined)
	@ort=$$(etc/build/fetch-ort.sh 2>/dev/null | tail -n 1); case $$ort in /usr/*) ort= ;; esac; \
		$(INSTALL) ORT="$$ort" etc/build/install.sh install "$(B)"
else
	@$(INSTALL) ORT="$(ORT)" etc/build/install.sh install "$(B)"
endif
uninstall:
	@$(INSTALL) etc/build/install.sh uninstall "$(B)"

.PHONY: install uninstall
