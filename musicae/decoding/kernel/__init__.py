"""The program in C that writes voices, compiled to WebAssembly, and how it is run."""
