#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fieldward_tests::fuzzing::stix::stix(bytes));
