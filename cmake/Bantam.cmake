# Compiler settings and the one-library-per-folder rule.

add_library(bantam_options INTERFACE)
target_compile_options(bantam_options INTERFACE
    -Wall -Wextra -Wconversion -Wshadow -Werror -fno-strict-aliasing)
# Clang counts changes of signedness among -Wconversion, GCC does not (for C++): the same rule for both.
target_compile_options(bantam_options INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>)
target_include_directories(bantam_options INTERFACE ${PROJECT_SOURCE_DIR})
if(BANTAM_SANITIZE)
    target_compile_options(bantam_options INTERFACE -fsanitize=${BANTAM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(bantam_options INTERFACE -fsanitize=${BANTAM_SANITIZE})
    if(BANTAM_FUZZ)
        target_compile_options(bantam_options INTERFACE -fsanitize=fuzzer-no-link)
    endif()
endif()

# bantam_library(NAME LINKS...): static library bantam_NAME of every .cpp in this folder and below it. Which folders may see
# which is checked by tests/layering.py, not by link order.
function(bantam_library name)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    if(sources)
        add_library(bantam_${name} STATIC ${sources})
        target_link_libraries(bantam_${name} PUBLIC bantam_options ${ARGN})
    else()
        add_library(bantam_${name} INTERFACE)
        target_link_libraries(bantam_${name} INTERFACE bantam_options ${ARGN})
    endif()
endfunction()

# bantam_test(NAME LINKS...): GoogleTest program of every .cpp directly in this folder, one CTest test a case.
function(bantam_test name)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    add_executable(test_${name} ${sources})
    target_link_libraries(test_${name} PRIVATE ${ARGN} GTest::gtest_main)
    set(environment)
    if(BANTAM_SANITIZE)  # SIGFPE and SIGILL are ours: thunks raise them
        set(environment ENVIRONMENT ASAN_OPTIONS=handle_sigfpe=0:handle_sigill=0)
    endif()
    gtest_discover_tests(test_${name} DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${name} ${environment})
endfunction()

# bantam_fuzzer(NAME LINKS...): libFuzzer program from NAME.cpp; see keep_input.cpp for the rest of it.
function(bantam_fuzzer name)
    add_executable(fuzz_${name} ${name}.cpp keep_input.cpp)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(fuzz_${name} PRIVATE ${ARGN})
    add_dependencies(fuzzers fuzz_${name})
endfunction()
