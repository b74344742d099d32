/* The version of both services, which are released together. Images, manifests and API descriptions repeat it, and
 * tests/integration/test_version.py compares. NEXUS_REVISION is given by release builds (CFLAGS=-DNEXUS_REVISION=...). */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

#define NEXUS_VERSION "1.0.0"
#ifndef NEXUS_REVISION
#define NEXUS_REVISION "not-set"
#endif

#endif
