# The C core as a library, without Python:
#
#     make lib                                   librdcodec.a, librdcodec.so and rdcodec.pc in build/lib
#     make install-lib PREFIX=/usr/local         these and the headers; DESTDIR as usual
#
# OPENMP=0 leaves OpenMP out (it is used where the compiler has it), WERROR=1 makes warnings errors, BUILD is another folder.

PREFIX ?= /usr/local
BUILD ?= build/lib
CFLAGS ?= -O3
OPENMP ?= $(shell echo 'int main(void) { return 0; }' | $(CC) -fopenmp -x c - -o /dev/null 2>/dev/null && echo 1)
OPENMP := $(OPENMP)
WERROR ?=

VERSION := $(shell sed -n 's/^.define RDC_VERSION "\(.*\)"/\1/p' csrc/rdc.h)
ABI := $(basename $(VERSION))# before 1.0 every minor version may be another
SHARED := librdcodec.so.$(VERSION)
SONAME := librdcodec.so.$(ABI)

SOURCES := $(filter-out csrc/python/%,$(sort $(wildcard csrc/*/*.c)))
OBJECTS := $(SOURCES:csrc/%.c=$(BUILD)/objects/%.o)
HEADERS := $(sort $(wildcard csrc/rdc/*.h))

FLAGS := -std=c11 -fPIC -fvisibility=hidden -DRDC_SHARED -ffp-contract=off -Icsrc -Wall -Wextra -Wpedantic
FLAGS += $(if $(filter-out 0,$(WERROR)),-Werror)
OPENMP_FLAG := $(if $(filter-out 0,$(OPENMP)),-fopenmp)
LIBRARIES := $(strip -lm -pthread $(OPENMP_FLAG))

.PHONY: all install
all: $(BUILD)/librdcodec.a $(BUILD)/librdcodec.so $(BUILD)/rdcodec.pc

# What was asked for last; where that changes, everything is made anew.
$(BUILD)/settings: FORCE
	@mkdir -p $(BUILD)
	@echo '$(CC) $(CFLAGS) $(FLAGS) $(OPENMP_FLAG) $(PREFIX)' | cmp -s - $@ || echo '$(CC) $(CFLAGS) $(FLAGS) $(OPENMP_FLAG) $(PREFIX)' >$@
FORCE:

$(BUILD)/objects/%.o: csrc/%.c $(BUILD)/settings
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS) $(OPENMP_FLAG) -MMD -c $< -o $@
-include $(OBJECTS:.o=.d)

$(BUILD)/librdcodec.a: $(OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/$(SHARED): $(OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,-z,defs $^ -o $@ $(LIBRARIES)

$(BUILD)/librdcodec.so: $(BUILD)/$(SHARED)
	ln -sf $(SHARED) $(BUILD)/$(SONAME)
	ln -sf $(SONAME) $@

$(BUILD)/rdcodec.pc: csrc/rdcodec.pc.in $(BUILD)/settings
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBRARIES@|$(LIBRARIES)|' $< >$@

install: all
	install -d $(DESTDIR)$(PREFIX)/include/rdc $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 644 csrc/rdc.h $(DESTDIR)$(PREFIX)/include
	install -m 644 $(HEADERS) $(DESTDIR)$(PREFIX)/include/rdc
	install -m 644 $(BUILD)/librdcodec.a $(DESTDIR)$(PREFIX)/lib
	install -m 755 $(BUILD)/$(SHARED) $(DESTDIR)$(PREFIX)/lib
	ln -sf $(SHARED) $(DESTDIR)$(PREFIX)/lib/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(PREFIX)/lib/librdcodec.so
	install -m 644 $(BUILD)/rdcodec.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig
