# Configures the program with HEARTH_REMOTE=OFF, and demands that no command of its build names libcurl or the file that
# sends: cmake -DSOURCE=... -DBINARY=... -DCOMPILER=... -DMAKE=NINJA -P without_remote.cmake
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGN}: ${output}${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE} -B ${BINARY} -DCMAKE_MAKE_PROGRAM=${MAKE} -DCMAKE_CXX_COMPILER=${COMPILER}
  -DHEARTH_REMOTE=OFF -DHEARTH_TESTS=OFF)
run(${MAKE} -C ${BINARY} -t commands hearth_program)
if(NOT output MATCHES "remote_absent\\.cpp")
  message(FATAL_ERROR "remote_absent.cpp is not part of the program: ${output}")
endif()
if(output MATCHES "[^\n]*(curl|serve/remote\\.cpp)[^\n]*")
  message(FATAL_ERROR "the program can send: ${CMAKE_MATCH_0}")
endif()
