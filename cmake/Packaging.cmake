# cmake --install and cpack (.deb).
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME bantam)
set(CPACK_PACKAGE_CONTACT "The Bantam authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "full-system x86 PC emulator")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Runs unmodified operating systems for the PC on an x86-64 Linux host, without needing virtualization from it.")
set(CPACK_DEBIAN_PACKAGE_SECTION otherosfs)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS libcapstone4)  # loaded, not linked: cpu/isa/disassemble.cpp
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS seabios)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
include(CPack)
