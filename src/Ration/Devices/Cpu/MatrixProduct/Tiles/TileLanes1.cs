namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>One row: the portable path.</summary>
internal readonly unsafe struct TileLanes1 : ITileLanes<int, float>
{
    public static int Count => 1;

    public static int Load(byte* source) => *(int*)source;

    public static int Broadcast(byte* source) => *(int*)source;

    public static int Integer(int value) => value;

    public static int And(int left, int right) => left & right;

    public static int Or(int left, int right) => left | right;

    public static int Xor(int left, int right) => left ^ right;

    public static int ShiftLeft(int value, int bits) => value << bits;

    public static int ShiftRight(int value, int bits) => value >>> bits;

    public static int ShiftRightSigned(int value, int bits) => value >> bits;

    public static int Add(int left, int right) => left + right;

    public static int Multiply(int left, int right) => left * right;

    public static int MagnitudesOfBytes(int value)
    {
        int signs = SignsOfBytes(value), inverted = value ^ signs;
        return (inverted & 0x7F7F7F7F) + (signs & 0x01010101);
    }

    public static int SignsOfBytes(int value) => (int)((((uint)value >> 7) & 0x01010101) * 0xFF);

    public static int MultiplyBytes(int unsigned, int signed) => Pair(
        ((byte)unsigned * (sbyte)signed) + ((byte)(unsigned >> 8) * (sbyte)(signed >> 8)),
        ((byte)(unsigned >> 16) * (sbyte)(signed >> 16)) + ((byte)(unsigned >> 24) * (sbyte)(signed >> 24)));

    public static int AddShorts(int left, int right) => Pair((short)left + (short)right, (left >> 16) + (right >> 16));

    public static int MultiplyShorts(int left, int right) => ((short)left * (short)right) + ((left >> 16) * (right >> 16));

    public static float ToFloat(int value) => value;

    public static float LoadHalves(byte* source) => (float)*(Half*)source;

    public static float Load(float* source) => *source;

    public static void Store(float value, float* destination) => *destination = value;

    public static float Broadcast(float value) => value;

    public static float Multiply(float left, float right) => left * right;

    public static float MultiplyAdd(float left, float right, float addend) => (left * right) + addend;

    public static float Add(float left, float right) => left + right;

    public static float Look(float* table, int index) => table[index & 15];

    private static int Pair(int low, int high) => (low & 0xFFFF) | (high << 16);
}
