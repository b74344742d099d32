/* The version of both services. NEXUS_REVISION is given by release builds (CFLAGS=-DNEXUS_REVISION=...). */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

#define NEXUS_VERSION "0.1.0"
#ifndef NEXUS_REVISION
#define NEXUS_REVISION "not-set"
#endif

#endif
