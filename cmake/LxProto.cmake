# lx_protobuf(NAME target FILES a.proto b.proto [LIBS other_proto_target...])
# A static library of protobuf-c code for the .proto files of the current folder. It is generated
# into the same place of the build folder: proto/ledger.proto is included as "proto/ledger.pb-c.h".
function(lx_protobuf)
    cmake_parse_arguments(arg "" "NAME" "FILES;LIBS" ${ARGN})
    set(sources "")
    foreach(file IN LISTS arg_FILES)
        get_filename_component(stem ${file} NAME_WE)
        set(source "${CMAKE_CURRENT_BINARY_DIR}/${stem}.pb-c.c")
        set(header "${CMAKE_CURRENT_BINARY_DIR}/${stem}.pb-c.h")
        add_custom_command(
            OUTPUT "${source}" "${header}"
            COMMAND ${PROTOC_C} "--proto_path=${CMAKE_CURRENT_SOURCE_DIR}"
                    "--c_out=${CMAKE_CURRENT_BINARY_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}/${file}"
            DEPENDS ${arg_FILES}
            WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
            COMMENT "protoc-c ${file}"
            VERBATIM)
        list(APPEND sources "${source}" "${header}")
        # Generated code is not held to our warnings.
        set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS "-w")
    endforeach()
    add_library(${arg_NAME} STATIC ${sources})
    target_link_libraries(${arg_NAME} PUBLIC dep::protobuf_c ${arg_LIBS})
endfunction()
