/* The built-in model, from the first to behind the last byte. */
    .section .rodata
    .globl hearth_builtin_model_begin
    .globl hearth_builtin_model_end
    .balign 64
hearth_builtin_model_begin:
    .incbin "run/spark.gguf"
hearth_builtin_model_end:
    .section .note.GNU-stack, "", %progbits
