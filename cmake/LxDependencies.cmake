# The libraries of others, one target each: dep::event, dep::ssl, ... deploy/install-deps installs them.
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)

# lx_dependency(NAME MODULE): dep::NAME from pkg-config's MODULE.
function(lx_dependency name module)
    pkg_check_modules(dep_${name} REQUIRED IMPORTED_TARGET GLOBAL ${module})
    add_library(dep::${name} ALIAS PkgConfig::dep_${name})
endfunction()

lx_dependency(event libevent_core>=2.1)
lx_dependency(pq libpq>=15)
lx_dependency(sqlite sqlite3>=3.40)
lx_dependency(yaml yaml-0.1)
lx_dependency(utf8proc libutf8proc)
lx_dependency(protobuf_c libprotobuf-c>=1.4.1)
lx_dependency(crypt libcrypt)
if(LX_TESTS AND NOT LX_FUZZ)
    lx_dependency(cmocka cmocka)
endif()

# libcsv has no pkg-config file.
find_library(LX_CSV_LIBRARY csv REQUIRED)
find_path(LX_CSV_INCLUDE csv.h REQUIRED)
add_library(dep::csv UNKNOWN IMPORTED GLOBAL)
set_target_properties(dep::csv PROPERTIES IMPORTED_LOCATION "${LX_CSV_LIBRARY}"
                      INTERFACE_INCLUDE_DIRECTORIES "${LX_CSV_INCLUDE}")

add_library(dep::ssl ALIAS OpenSSL::SSL)
add_library(dep::crypto ALIAS OpenSSL::Crypto)

find_program(PROTOC_C protoc-c REQUIRED)
find_program(MSGFMT msgfmt REQUIRED)
