"""The C program that writes voices, compiled to WebAssembly, and the code that runs it."""
