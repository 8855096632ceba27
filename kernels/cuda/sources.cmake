# The kernels for nvcc and for the interpreter of tests/simt. An entry is the name of a .cu, or for one of several that
# are compiled from one source, NAME:SOURCE:MACRO=TEXT...
set(cuda_kernels adapters attend attend_row attend_tiles candidates experts recurrent roof rope_store round rows store)
foreach(format F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS MXFP4 NVFP4 IQ1_S IQ1_M IQ2_XXS
    IQ2_XS IQ2_S IQ3_XXS IQ3_S TQ1_0 TQ2_0)
  list(APPEND cuda_kernels products_${format}:products:FORMAT=${format})
  if(NOT format MATCHES "^B?F[0-9]")
    list(APPEND cuda_kernels rounded_products_${format}:rounded_products:FORMAT=${format})
  endif()
endforeach()
foreach(format Q4_0 Q8_0 Q4_K Q5_K Q6_K)
  list(APPEND cuda_kernels column_products_${format}:column_products:FORMAT=${format}
    joined_products_${format}:joined_products:FORMAT=${format})
endforeach()
# Those that need sm_90.
set(cuda_kernels_of_90)
# Those for sm_90a alone, whose matrix units the interpreter does not have.
set(cuda_kernels_of_90a)
foreach(format Q4_0 Q8_0 Q4_K Q5_K Q6_K)
  list(APPEND cuda_kernels_of_90a group_tiles_${format}:group_tiles:FORMAT=${format})
endforeach()

# Sets name, source (without ending) and definitions of an entry.
macro(hearth_cuda_entry entry)
  string(REPLACE ":" ";" definitions "${entry}")
  list(POP_FRONT definitions name source)
  if(NOT source)
    set(source ${name})
  endif()
endmacro()
