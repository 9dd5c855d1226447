using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Tensors;

public sealed class TiledRowsTests
{
    public static TheoryData<DType> Types => [.. Enum.GetValues<DType>().Where(TiledRows.Supports)];

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_row_comes_back_out_of_its_tile(DType type)
    {
        int rowBytes = 3 * type.BlockBytes();
        byte[] rows = new byte[TiledRows.Rows * rowBytes], tile = new byte[rows.Length], row = new byte[rowBytes];
        new Random(3).NextBytes(rows);
        TiledRows.Arrange(type, rows, tile);
        Assert.NotEqual(rows, tile);
        Assert.Equal(rows.Order(), tile.Order());
        for (int r = 0; r < TiledRows.Rows; r++)
        {
            TiledRows.Extract(type, tile, r, row);
            Assert.Equal(rows.AsSpan(r * rowBytes, rowBytes).ToArray(), row);
        }
    }

    [Fact]
    public void The_same_bytes_of_all_rows_lie_side_by_side()
    {
        byte[] rows = new byte[TiledRows.Rows * 18], tile = new byte[rows.Length];
        for (int i = 0; i < rows.Length; i++) rows[i] = (byte)(i / 18);
        TiledRows.Arrange(DType.Q4_0, rows, tile);
        Assert.Equal([0, 0, 1, 1, 2, 2], tile[..6]);
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1], tile[32..40]);
        Assert.Equal([15, 15, 15, 15], tile[^4..]);
    }

    [Fact]
    public void Sizes_that_are_no_rows_are_refused()
    {
        Assert.Throws<ArgumentException>(() => TiledRows.Arrange(DType.Q4_0, new byte[17 * 18], new byte[17 * 18]));
        Assert.Throws<ArgumentException>(() => TiledRows.Arrange(DType.Q4_0, new byte[16 * 18], new byte[16 * 17]));
        Assert.Throws<ArgumentException>(() => TiledRows.Arrange(DType.F32, new byte[64], new byte[64]));
    }
}
