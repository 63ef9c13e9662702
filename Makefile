# Everything that a person or a CI job runs, in one place. `make` alone lists it.
# On Debian 12 with Go and git, as root or with sudo, `make demo` and `make test` do all the set-up themselves.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# sudo drops /usr/local/go/bin from PATH, hence the second place to look. GO's folder goes on PATH for the tools that call "go".
GO ?= $(or $(shell command -v go 2>/dev/null),$(wildcard /usr/local/go/bin/go),go)
ifneq (,$(findstring /,$(GO)))
export PATH := $(patsubst %/,%,$(dir $(GO))):$(PATH)
endif

# The tree is often built by another user than the one who cloned it (root in a container, sudo); VCS stamping fails there.
OURFLAGS := -buildvcs=false
export GOFLAGS := $(strip $(filter-out $(OURFLAGS),$(shell $(GO) env GOFLAGS 2>/dev/null)) $(OURFLAGS))

# go-gst needs flags to compile against a GStreamer before 1.22. Asked anew for each recipe, since "deps" may just have installed it.
# From 1.22 on nothing changes, and Go's cache stays valid: Go treats an empty CGO_CFLAGS as if it were not set.
USER_CFLAGS := $(CGO_CFLAGS)
OLD_CFLAGS = $(shell scripts/cgo-flags.sh)
# A make below this one finds them in USER_CFLAGS.
with_old = $(if $(1),$(if $(findstring $(1),$(USER_CFLAGS)),$(USER_CFLAGS),$(or $(USER_CFLAGS),-O2 -g) $(1)),$(USER_CFLAGS))
export CGO_CFLAGS = $(call with_old,$(OLD_CFLAGS))

BUILD  := $(CURDIR)/build
PLUGIN := $(BUILD)/libgstnetgear.so
DIST   := $(CURDIR)/dist
VERSION := $(shell sed -n 's/^.define NETGEAR_VERSION "\(.*\)"/\1/p' plugin/version.h)
REVISION ?= 1
DEB = gstreamer1.0-netgear_$(VERSION)-$(REVISION)_$(shell dpkg --print-architecture).deb
SBOM := $(DIST)/gst-netgear_$(VERSION).cdx.json

# Python peers of the tests need Debian's own Python, with its zmq, numpy and cv2; another one may come first in PATH.
export PYTHON ?= /usr/bin/python3

# The libav plugins decode whatever file VIDEO= names; gstreamer1.0-x draws the picture where there is a display, and text
# upon pictures in the tests; x264enc is in gstreamer1.0-plugins-ugly.
DEPS_RUN := ca-certificates gcc libc6-dev pkg-config libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libzmq3-dev \
	gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-libav \
	$(if $(DISPLAY)$(WAYLAND_DISPLAY),gstreamer1.0-x)
# The SSH server's package starts the server and keeps it running, where there is an init to do so: that is for its owner
# to decide. Tests that miss it then say so.
SSHD := $(if $(CI),openssh-server,$(if $(wildcard /run/systemd/system),,openssh-server))
DEPS_TEST := gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-x iproute2 openssh-client $(SSHD) procps python3 python3-zmq \
	python3-numpy python3-opencv python3-matplotlib libturbojpeg0 python3-gi gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 gir1.2-gst-rtsp-server-1.0 \
	valgrind libc6-dbg dpkg-dev

# srtsink and srtsrc, and what the Python contender and the pictures need.
DEPS_BENCH := gstreamer1.0-plugins-bad python3 python3-zmq python3-numpy python3-opencv python3-matplotlib libturbojpeg0

DEPS_DEB := dpkg-dev binutils

# Built once per version into the user's Go folder, never into go.mod: docs/decisions/0003.
LINT_VERSION := v2.15.0
VULN_VERSION := v1.1.4
LINT = $(shell $(GO) env GOPATH)/bin/golangci-lint-$(LINT_VERSION)-$(shell $(GO) env GOVERSION)

FUZZTIME ?= 500000x
MESSAGES ?= 100000
SEED     ?=
WHAT     ?= speed chain latency scale
REPS     ?= 5
TIMES    ?= 100
MINUTES  ?= 60
STRANGERS ?=
VIDEO    ?=
PATTERN  ?= pair
SECONDS  ?=
CONGESTION ?=
DESTDIR  ?=
PREFIX   ?=
export VIDEO FUZZTIME

# GStreamer sees the plugin just built and keeps its cache of plugins here, never in the user's home.
GSTENV := GST_PLUGIN_PATH=$(BUILD) GST_REGISTRY=$(BUILD)/registry.bin
# A critical warning of GLib or GStreamer ends the test, as a bug should.
TESTENV := $(GSTENV) G_DEBUG=fatal-criticals

# What chroots are kept in: a Debian each, about 2 GB.
SUITE   ?= bookworm
SUITES  ?= bullseye bookworm trixie
ARCHS   ?= amd64 arm64
EPOCH    = $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)
CHROOTS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gst-netgear

PLUGINDIR = $(shell pkg-config $(if $(PREFIX),--define-variable=prefix=$(PREFIX)) --variable=pluginsdir gstreamer-1.0)
BINDIR = $(or $(PREFIX),$(shell pkg-config --variable=prefix gstreamer-1.0))/bin
MANDIR = $(or $(PREFIX),$(shell pkg-config --variable=prefix gstreamer-1.0))/share/man/man1

.PHONY: help
help: ## list the targets
	@echo 'gst-netgear: GStreamer elements that speak NetGear over ZeroMQ. Targets:'
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo 'Start with "make demo"; it installs what is missing (SKIP_DEPS=1 to leave the system alone).'

# ---- set-up -------------------------------------------------------------------------------------------------------

.PHONY: deps deps-run
deps: ## install the Debian packages that build, demo and test need
	@GO='$(GO)' scripts/deps.sh $(DEPS_RUN) $(DEPS_TEST)

deps-run: # what build and demo need, without the tests' Python
	@GO='$(GO)' scripts/deps.sh $(DEPS_RUN)

# ---- build --------------------------------------------------------------------------------------------------------

# The binding is compiled twice on a cold cache, here and for vet, tests and lint. Do not share it by giving those
# -buildmode=pie -trimpath, alluring as it is: what pie compiled first lacks the cgo headers that c-shared wants from the
# cache, and then every build of the plugin runs cgo and gcc over the whole binding again (Go 1.26: a minute each time).
# netgear-keys is pie, after the plugin, from whose build it takes nearly everything out of the cache.

# As Debian wants of packages: addresses that are resolved at loading and read-only from then on, guards on the stack, and
# checks of lengths where the compiler knows them. What is built is what is packed. Tests, vet and lint leave CGO_CFLAGS alone, so
# each of the two compiles the binding once.
HARDENING := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
EXTLDFLAGS := -Wl,-z,relro,-z,now
LDFLAGS := -ldflags='-extldflags "$(EXTLDFLAGS)"'
HARDENED = CGO_CFLAGS="$${CGO_CFLAGS:--O2 -g} $(HARDENING)"

.PHONY: build
build: deps-run ## compile the plugin, build/libgstnetgear.so, and build/netgear-keys
	@mkdir -p $(BUILD)
	@scripts/tell.sh 'compiling build/libgstnetgear.so (the first build compiles the GStreamer binding: some minutes; later ones seconds)' \
		env $(HARDENED) $(GO) build -buildmode=c-shared -trimpath $(LDFLAGS) -o $(PLUGIN) ./plugin
	@rm -f $(BUILD)/libgstnetgear.h
	@$(HARDENED) $(GO) build -buildmode=pie -trimpath $(LDFLAGS) -o $(BUILD)/netgear-keys ./cmd/netgear-keys

.PHONY: demo
demo: build ## stream from one process to another and measure; VIDEO=file for your own footage, PATTERN=, SECONDS=
	@$(GO) build -o $(BUILD)/demo ./internal/demo
	@$(GSTENV) $(BUILD)/demo -build='$(BUILD)' -video="$$VIDEO" -pattern='$(PATTERN)' -seconds='$(SECONDS)'
	@if $(PYTHON) -c 'import gi, numpy' 2>/dev/null; then \
		echo 'A time code in the picture, from its drawing to its reading:'; \
		$(GSTENV) $(PYTHON) examples/programs/latency-probe.py --frames 90 --pattern '$(or $(PATTERN),pair)'; \
	else echo 'To measure from glass to glass too: apt install python3-gi python3-numpy gir1.2-gst-plugins-base-1.0'; fi

.PHONY: inspect
inspect: build ## show the plugin and its elements as GStreamer sees them
	@for it in netgear netgearsink netgearsrc netgeardemux; do $(GSTENV) gst-inspect-1.0 --no-colors $$it || exit 1; done

# ---- tests --------------------------------------------------------------------------------------------------------

.PHONY: test
test: deps build vet ## run every test, real GStreamer processes and Python peers included
	@echo '==> tests of the library, with the race detector (the first run compiles the race runtime)'
	$(TESTENV) $(GO) test -race -timeout 15m ./netgear/...
	@echo '==> tests of the elements and of whole pipelines'
	$(TESTENV) $(GO) test -count=1 -p 1 -timeout 30m ./elements/... ./cmd/... ./internal/...

.PHONY: test-pure
test-pure: ## run the tests of the wire format alone: no C compiler, no GStreamer
	CGO_ENABLED=0 GOFLAGS= $(GO) test ./netgear/wire/...

.PHONY: fuzz
fuzz: deps-run ## run each fuzz target with FUZZTIME=500000x inputs
	@$(TESTENV) GO='$(GO)' scripts/fuzz.sh

.PHONY: chaos
chaos: deps build ## inject faults: processes killed TIMES=100 times, cables cut, names changed and so on; the table goes to build/chaos.md
	CHAOS=$(TIMES) CHAOS_OUT=$(BUILD)/chaos.md $(TESTENV) $(GO) test -count=1 -timeout 3h ./internal/chaos

# Without glibc's caches per thread, which fill for hours, a leak of a kilobyte shows.
.PHONY: soak
soak: deps build ## run 16 streams with random faults for MINUTES=60, and demand that nothing grows; STRANGERS=1: hostile peers beside them
	@$(GO) build -o $(BUILD)/soak ./internal/soak
	G_SLICE=always-malloc GLIBC_TUNABLES=glibc.malloc.arena_max=2:glibc.malloc.tcache_count=0 G_DEBUG=fatal-criticals $(BUILD)/soak -minutes=$(MINUTES) $(if $(STRANGERS),-strangers) -out=$(BUILD)/soak.json
	@$(PYTHON) internal/soak/plot.py $(BUILD)/soak.json $(BUILD)/soak.svg

.PHONY: hostile
hostile: deps build ## fuzz live pipelines with MESSAGES=100000 for each pattern and mode; SEED= repeats what failed
	HOSTILE=$(MESSAGES) $(if $(SEED),SEED=$(SEED)) $(TESTENV) nice -n 19 $(GO) test -count=1 -v -timeout 0 -parallel 1 -run '^TestFuzzed(Source|Sink)$$' ./internal/e2e/

# At the usual priority: it measures rates.
.PHONY: siege
siege: deps build ## measure what each kind of stranger costs, for SIEGE=1.5 s each; ONLY=part of a name, EVERY=1 with ipc and allow (an hour)
	HOSTILE=1 $(if $(SIEGE),SIEGE=$(SIEGE)) $(if $(ONLY),ONLY='$(ONLY)') $(if $(EVERY),EVERY=1) $(TESTENV) \
		$(GO) test -count=1 -v -timeout 0 -run '^TestFuzzedSiege$$' ./internal/e2e/

# Not the sender of pub-sub: its headers of 2 MB take so long to read here that good frames give way to newer ones.
# A $ in RUN= and SKIP= is one.
.PHONY: asan
asan: RUN ?= ^Test(Fuzzed(Source|Sink)|Siege|Hostile.*|StrangersCannotAbort|ReturnAmongStrangers|Buffers|Demux|StateChanges)$
asan: SKIP ?= ^TestHostileSender$/^pub-sub$
asan: deps build ## run tests of hostile peers and of buffers with AddressSanitizer and UBSan in the plugin; RUN=regexp for others of internal/e2e
	@$(TESTENV) GO='$(GO)' RUN='$(value RUN)' SKIP='$(value SKIP)' nice -n 19 scripts/asan.sh

.PHONY: bench
bench: build deps-bench ## measure side by side with libzmq, Python and GStreamer's own; WHAT=speed|chain|latency|scale|links, REPS=5; links takes root, SECONDS=10 for each, and CONGESTION=cubic for that of TCP; ONLY='100 ms' takes those whose names have it
	@$(GO) build -o $(BUILD)/bench-tool ./internal/bench
	@$(foreach what,$(WHAT),$(BUILD)/bench-tool -build='$(BUILD)' -what=$(what) -reps=$(REPS) -congestion='$(CONGESTION)' $(if $(SECONDS),-seconds=$(SECONDS)) $(if $(ONLY),-only='$(ONLY)') &&) true

.PHONY: bench-go
bench-go: build ## run Go's own benchmarks, of headers, and of both ends in one process
	$(GSTENV) $(GO) test -run '^$$' -bench . -benchmem ./netgear/... ./elements/...

.PHONY: deps-bench
deps-bench:
	@GO='$(GO)' scripts/deps.sh $(DEPS_RUN) $(DEPS_BENCH)

# ---- code ---------------------------------------------------------------------------------------------------------

.PHONY: vet
vet: deps-run ## go vet
	@scripts/tell.sh 'go vet (the first time this compiles the GStreamer binding again, for the tests)' $(GO) vet ./...

.PHONY: lint
lint: deps-run lint-tool ## golangci-lint: the layers, formatting and common mistakes
	@scripts/tell.sh 'golangci-lint $(LINT_VERSION)' $(LINT) run ./...

.PHONY: vuln
vuln: deps-run ## look for known vulnerabilities in the modules that are linked in (asks vuln.go.dev)
	@scripts/tell.sh 'govulncheck $(VULN_VERSION)' $(GO) run golang.org/x/vuln/cmd/govulncheck@$(VULN_VERSION) ./...

.PHONY: fmt
fmt: deps-run lint-tool ## format the code with gofumpt and sort the imports
	@$(LINT) fmt ./...

.PHONY: lint-tool
lint-tool:
	@test -x $(LINT) || { t=$$(mktemp -d) && \
	scripts/tell.sh 'building golangci-lint $(LINT_VERSION), once: about a minute' \
		env GOFLAGS= GOBIN=$$t $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION) && \
	mkdir -p $(dir $(LINT)) && mv -f $$t/golangci-lint $(LINT) && rmdir $$t; }

PAGES := properties errors

.PHONY: docs
docs: deps-run ## write docs/properties.md and docs/errors.md from the tables of properties and errors
	@for page in $(PAGES); do \
		$(GO) run ./internal/docgen $$page > docs/$$page.md.new && mv -f docs/$$page.md.new docs/$$page.md || \
		{ rm -f docs/$$page.md.new; exit 1; }; done

.PHONY: docs-fresh
docs-fresh: deps-run
	@for page in $(PAGES); do \
		$(GO) run ./internal/docgen $$page | diff -u docs/$$page.md - || { echo "docs/$$page.md is old: run \"make docs\"" >&2; exit 1; }; done

.PHONY: pictures
pictures: deps build ## make docs/wall.jpg, the picture of the README, anew
	@GO='$(GO)' scripts/deps.sh python3-skimage opencv-data
	@$(GSTENV) $(PYTHON) scripts/pictures.py

.PHONY: check
check: ## everything that a change must pass: modules, docs, lint and every test
	$(GO) mod tidy -diff
	@$(MAKE) --no-print-directory lint docs-fresh test-pure test

# ---- installation -------------------------------------------------------------------------------------------------

# Nothing is compiled here, so that "make build && sudo make install" leaves no root-owned files and needs no Go for root.
.PHONY: install
install: ## copy what was built to GStreamer's folder and to bin; PREFIX= and DESTDIR= as usual
	@test -f $(PLUGIN) && test -f $(BUILD)/netgear-keys || { echo 'nothing to install: run "make build" first' >&2; exit 1; }
	@test -n '$(PLUGINDIR)' || { echo 'pkg-config does not know gstreamer-1.0: run "make deps" first' >&2; exit 1; }
	install -D -m 0644 $(PLUGIN) '$(DESTDIR)$(PLUGINDIR)/libgstnetgear.so'
	install -D -m 0755 $(BUILD)/netgear-keys '$(DESTDIR)$(BINDIR)/netgear-keys'
	install -D -m 0644 packaging/netgear-keys.1 '$(DESTDIR)$(MANDIR)/netgear-keys.1'
	@test -z '$(PREFIX)' || echo 'GStreamer looks there only with GST_PLUGIN_PATH=$(PLUGINDIR), unless it lives in the same prefix'

.PHONY: uninstall
uninstall: ## remove it again
	rm -f '$(DESTDIR)$(PLUGINDIR)/libgstnetgear.so' '$(DESTDIR)$(BINDIR)/netgear-keys' '$(DESTDIR)$(MANDIR)/netgear-keys.1'

# ---- packages and other platforms: docs/packaging.md -----------------------------------------------------------------

.PHONY: sbom
sbom: build ## list what is linked in, with versions and licences, as CycloneDX: dist/gst-netgear_VERSION.cdx.json
	@mkdir -p $(DIST)
	@$(GO) run ./internal/sbom -version=$(VERSION) $(PLUGIN) $(BUILD)/netgear-keys > $(SBOM).new && mv -f $(SBOM).new $(SBOM)

.PHONY: deb
deb: deps-deb sbom ## make a Debian package for this machine's release: dist/gstreamer1.0-netgear_VERSION-1_ARCH.deb
	@VERSION=$(VERSION) REVISION=$(REVISION) SBOM=$(SBOM) scripts/deb.sh $(DIST)

# One after the other: each compiles all there is. The revision names the Debian, and a later one is newer.
.PHONY: packages
packages: ## make the packages of several Debians, for amd64 and arm64, in chroots below CHROOTS=: SUITES=, ARCHS= (needs root; half an hour)
	@GO='$(GO)' scripts/deps.sh debootstrap
	@mkdir -p $(DIST)
	@set -e; for suite in $(SUITES); do for arch in $(ARCHS); do \
		root='$(CHROOTS)'/$$suite; [ $$arch = $$(dpkg --print-architecture) ] || root=$$root-$$arch; \
		echo "==> $$suite, $$arch"; \
		GO='$(GO)' scripts/chroot.sh $$suite $$root env SOURCE_DATE_EPOCH=$(EPOCH) VERSION=$(VERSION) \
			scripts/package.sh $$arch $(REVISION) '$(HARDENING)' '$(EXTLDFLAGS)'; \
		cp $$root/src/dist/*.deb $$root/src/dist/*.json $(DIST); \
	done; done

.PHONY: deb-test
deb-test: deb ## check the package with lintian, then install and use it in a clean Debian: SUITE=bookworm (needs root)
	@GO='$(GO)' scripts/deps.sh lintian debootstrap
	lintian --fail-on error,warning $(DIST)/$(DEB)
	@GO='$(GO)' scripts/chroot.sh $(SUITE) '$(CHROOTS)/$(SUITE)-clean' scripts/deb-test.sh ./dist/$(DEB)

.PHONY: reproducible
reproducible: deb ## build everything a second time elsewhere, from nothing, and demand the same bytes (minutes)
	@GO='$(GO)' scripts/reproducible.sh build/libgstnetgear.so build/netgear-keys dist/$(notdir $(SBOM)) dist/$(DEB)

.PHONY: release
release: ## make the files of a version, in dist/: sources, and for each of SUITES= and ARCHS= package and list of parts; checksums (needs root)
	@VERSION=$(VERSION) scripts/release.sh check
	@rm -rf $(DIST)
	@$(MAKE) --no-print-directory packages
	@VERSION=$(VERSION) scripts/release.sh $(DIST) $$(cd $(DIST) && ls)

# Whole Debians of their own, so that nothing of this one changes; kept in $(CHROOTS), since they take minutes to fill.
.PHONY: test-bullseye test-trixie test-forky
test-bullseye: ## build and test in Debian 11 (GStreamer 1.18), in a chroot below CHROOTS= (needs root; half an hour)
test-trixie: ## the same in Debian 13 (GStreamer 1.26)
test-forky: ## the same in Debian testing (the newest GStreamer)
test-bullseye test-trixie test-forky:
	@GO='$(GO)' scripts/deps.sh debootstrap
	@GO='$(GO)' scripts/chroot.sh $(@:test-%=%) '$(CHROOTS)/$(@:test-%=%)' make build test

.PHONY: cross-arm64
cross-arm64: ## build for arm64, into build/arm64, in a chroot below CHROOTS= (needs root)
	@GO='$(GO)' scripts/deps.sh debootstrap
	@GO='$(GO)' scripts/chroot.sh $(SUITE) '$(CHROOTS)/$(SUITE)-arm64' scripts/cross-arm64.sh '$(HARDENING)' '$(EXTLDFLAGS)'
	@mkdir -p $(BUILD)/arm64
	@cp '$(CHROOTS)/$(SUITE)-arm64/src/build/arm64/libgstnetgear.so' '$(CHROOTS)/$(SUITE)-arm64/src/build/arm64/netgear-keys' $(BUILD)/arm64

.PHONY: test-arm64
test-arm64: ## the same, and the tests of transport and elements in an emulator of the processor (needs root; a quarter of an hour)
	@GO='$(GO)' scripts/deps.sh debootstrap
	@GO='$(GO)' scripts/chroot.sh $(SUITE) '$(CHROOTS)/$(SUITE)-arm64' env TESTS='./netgear/... ./elements/...' \
		scripts/cross-arm64.sh '$(HARDENING)' '$(EXTLDFLAGS)'

.PHONY: deps-deb
deps-deb:
	@GO='$(GO)' scripts/deps.sh $(DEPS_DEB)

.PHONY: clean
clean: ## remove build/ and dist/; Go's own cache stays, it holds minutes of compilation
	rm -rf $(BUILD) $(DIST)
