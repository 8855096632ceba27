/* The files of the page, each from its first to behind its last byte. */
    .section .rodata
    .macro file name, path
    .globl hearth_page_\name\()_begin
    .globl hearth_page_\name\()_end
hearth_page_\name\()_begin:
    .incbin "page/\path"
hearth_page_\name\()_end:
    .endm

    file api, api.js
    file audit, audit.js
    file board, board.js
    file chat, chat.js
    file compare, compare.js
    file index, index.html
    file metrics, metrics.js
    file page, page.js
    file plot, plot.js
    file style, page.css
    .section .note.GNU-stack, "", %progbits
