/* What stands around the declarations of the public headers: C++ takes them for functions of C, and a shared library shows them and
 * nothing else (csrc/lib.mk hides the rest). */
#ifndef RDC_PUBLIC_LINKAGE_H
#define RDC_PUBLIC_LINKAGE_H

#ifdef __cplusplus
#define RDC_C_BEGIN extern "C" {
#define RDC_C_END }
#else
#define RDC_C_BEGIN
#define RDC_C_END
#endif

#ifdef RDC_SHARED
#define RDC_BEGIN RDC_C_BEGIN _Pragma("GCC visibility push(default)")
#define RDC_END _Pragma("GCC visibility pop") RDC_C_END
#else
#define RDC_BEGIN RDC_C_BEGIN
#define RDC_END RDC_C_END
#endif

#endif
