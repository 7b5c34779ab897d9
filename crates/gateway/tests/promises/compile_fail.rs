//! A stage cannot be left out: it does not compile.

#[test]
fn a_stage_that_is_left_out_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
