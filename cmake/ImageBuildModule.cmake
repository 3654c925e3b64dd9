# One module = one folder = one static library target.
#
#   imagebuild_module(common/oci SOURCES a.cc b.cc DEPS common/base LIBS OpenSSL::Crypto)
#   imagebuild_test(oci SOURCES digest_test.cc DEPS common/oci)
#
# DEPS are other modules and mirror the table of allowed include edges in
# docs/architecture.md (tests/architecture checks the includes themselves).
# IMAGEBUILD_ONLY, a list of module folders, restricts a build to those modules
# and their tests.

function(imagebuild_target_name out module)
  string(REPLACE "/" "_" name "${module}")
  set(${out} "ib_${name}" PARENT_SCOPE)
endfunction()

function(imagebuild_module module)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  imagebuild_target_name(target ${module})
  add_library(${target} STATIC ${ARG_SOURCES})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
  foreach(dep IN LISTS ARG_DEPS)
    imagebuild_target_name(dep_target ${dep})
    target_link_libraries(${target} PUBLIC ${dep_target})
  endforeach()
  target_link_libraries(${target} PRIVATE imagebuild_flags ${ARG_LIBS})
endfunction()

# A test executable of one module; `LABEL` is unit (default) or integration.
function(imagebuild_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPS;LIBS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  set(target ${ARG_LABEL}_${name}_test)
  add_executable(${target} ${ARG_SOURCES})
  foreach(dep IN LISTS ARG_DEPS)
    imagebuild_target_name(dep_target ${dep})
    target_link_libraries(${target} PRIVATE ${dep_target})
  endforeach()
  target_link_libraries(${target} PRIVATE imagebuild_flags imagebuild_catch_main ${ARG_LIBS})
  target_compile_definitions(${target} PRIVATE
    IMAGEBUILD_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${ARG_LABEL}.${name} COMMAND ${target})
  set_tests_properties(${ARG_LABEL}.${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 300)
endfunction()
