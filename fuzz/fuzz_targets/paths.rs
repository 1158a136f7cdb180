#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gitops_steps_fuzz::bodies::paths::check(data));
