# The kernels for nvcc and for the interpreter of tests/simt. An entry is the name of a .cu, or for one of several that
# are compiled from one source, NAME:SOURCE:MACRO=TEXT...
set(cuda_kernels
  gate
  states)

# Sets name, source (without ending) and definitions of an entry.
macro(hearth_cuda_entry entry)
  string(REPLACE ":" ";" definitions "${entry}")
  list(POP_FRONT definitions name source)
  if(NOT source)
    set(source ${name})
  endif()
endmacro()
