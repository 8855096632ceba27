// Dot products of four signed bytes in a word, an instruction of Vulkan 1.3 that older compilers have no function for.
#extension GL_EXT_spirv_intrinsics : require

const int kFourBytes = 0;  // of SPIR-V's packed vector formats
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019], id = 4450)
int byte_dot(int a, int b, spirv_literal int format);

int byte_sum(uint bytes) { return byte_dot(int(bytes), 0x01010101, kFourBytes); }
