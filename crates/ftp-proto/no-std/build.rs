//! What std would have brought to the link.
#![forbid(unsafe_code)]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The start-up code that calls `main`.
    println!("cargo::rustc-link-arg-bins=-lc");
    // The shipped `alloc` is compiled for unwinding and names its routines. Nothing unwinds here;
    // should anything try, it ends.
    println!("cargo::rustc-link-arg-bins=-Wl,--defsym=rust_eh_personality=0");
    println!("cargo::rustc-link-arg-bins=-Wl,--defsym=_Unwind_Resume=0");
}
