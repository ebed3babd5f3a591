#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| postpack_fuzz::import(data));
