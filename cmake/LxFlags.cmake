# The language, the warnings and the kinds of build. Everything here holds for every target.
option(LX_WERROR "warnings are errors" ON)
option(LX_HARDEN "fortify, stack protector, position independent, full RELRO" OFF)
option(LX_COVERAGE "gcov counters" OFF)
option(LX_FUZZ "build the fuzz targets (clang only)" OFF)
option(LX_FUZZ_VOLUME "the fuzz targets with a driver for volume instead of libFuzzer" OFF)
option(LX_PLANTS "bugs that the environment can plant, for tests/fault (never in a release)" OFF)
option(LX_TESTS "build tests/unit and tests/bench" ON)
set(LX_SANITIZE "" CACHE STRING "sanitizers, e.g. address,undefined")

# Assertions stay on in the release: a process that has lost its way must not go on writing.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_compile_definitions(_GNU_SOURCE)
# Includes are always written from the root; generated headers lie in the same places of the build
# folder and are not ours to warn about.
include_directories("${CMAKE_SOURCE_DIR}")
include_directories(SYSTEM "${CMAKE_BINARY_DIR}")

add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wenum-conversion -Wswitch-enum -Wformat=2 -Wvla
                    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)
if(LX_WERROR)
    add_compile_options(-Werror)
endif()

if(LX_SANITIZE)
    add_compile_options(-fsanitize=${LX_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${LX_SANITIZE})
endif()

if(LX_HARDEN)
    # _FORTIFY_SOURCE needs optimisation, which the release preset has.
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong
                        -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
        add_compile_options(-fcf-protection)
    endif()
    add_link_options(-pie -Wl,-z,relro,-z,now)
endif()

if(LX_PLANTS)
    if(LX_HARDEN)
        message(FATAL_ERROR "a release has no planted bugs: LX_PLANTS and LX_HARDEN exclude each other")
    endif()
    add_compile_definitions(LX_PLANTS)
endif()

if(LX_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()

if(LX_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "the fuzz preset needs clang: CC=clang or cmake --preset fuzz")
    endif()
    if(NOT LX_FUZZ_VOLUME)
        add_compile_options(-fsanitize=fuzzer-no-link)
    endif()
endif()
