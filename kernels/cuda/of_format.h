// Names with the format that a source is compiled for, which the build gives as FORMAT. Only macros make names.
#pragma once

#define HEARTH_TEXT(name) #name
#define HEARTH_TEXT_OF(macro) HEARTH_TEXT(macro)
#define HEARTH_JOIN(before, name, after) before##name##after
#define HEARTH_JOIN_EXPANDED(before, name, after) HEARTH_JOIN(before, name, after)
#define HEARTH_OF_FORMAT(before, after) HEARTH_JOIN_EXPANDED(before, FORMAT, after)
#define HEARTH_KERNEL_EXPANDED(name, ...) HEARTH_KERNEL(name, __VA_ARGS__)
#define HEARTH_EARLY_EXPANDED(name, ...) HEARTH_EARLY_KERNEL(name, __VA_ARGS__)
#define HEARTH_EARLY_CROWDED_EXPANDED(name, ...) HEARTH_EARLY_CROWDED_KERNEL(name, __VA_ARGS__)
#define HEARTH_CROWDED_EXPANDED(name, ...) HEARTH_CROWDED_KERNEL(name, __VA_ARGS__)
// HEARTH_KERNEL and its kin of the name BEFORE_FORMAT_AFTER.
#define HEARTH_FORMAT_KERNEL(before, after, ...) HEARTH_KERNEL_EXPANDED(HEARTH_OF_FORMAT(before, after), __VA_ARGS__)
#define HEARTH_EARLY_FORMAT_KERNEL(before, after, ...) \
  HEARTH_EARLY_EXPANDED(HEARTH_OF_FORMAT(before, after), __VA_ARGS__)
#define HEARTH_EARLY_CROWDED_FORMAT_KERNEL(before, after, ...) \
  HEARTH_EARLY_CROWDED_EXPANDED(HEARTH_OF_FORMAT(before, after), __VA_ARGS__)
#define HEARTH_CROWDED_FORMAT_KERNEL(before, after, ...) \
  HEARTH_CROWDED_EXPANDED(HEARTH_OF_FORMAT(before, after), __VA_ARGS__)
