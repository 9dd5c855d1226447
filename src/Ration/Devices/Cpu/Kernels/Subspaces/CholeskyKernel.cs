namespace Ration.Devices.Cpu.Kernels;

/// <summary>Small symmetric systems in double precision.</summary>
internal static unsafe class CholeskyKernel
{
    /// <summary>Bytes of workspace for <see cref="InverseColumn"/>.</summary>
    public static long WorkspaceBytes(nint size) => (long)size * (size + 1) * sizeof(double);

    /// <summary>x = column <paramref name="column"/> of (K + λI)⁻¹ for a K without negative eigenvalues, of which the lower half is read.</summary>
    public static void InverseColumn(float* gram /*[size, size]*/, float* x /*[size] overwritten*/, nint size, double regularization, nint column, byte* workspace)
    {
        double* factor = (double*)workspace, solution = factor + (size * size);
        Factor(gram, factor, size, regularization);
        for (nint i = 0; i < size; i++) solution[i] = ((i == column ? 1 : 0) - Dot(factor + (i * size), solution, i)) / factor[(i * size) + i];
        for (nint i = size - 1; i >= 0; i--)
        {
            double rest = solution[i];
            for (nint k = i + 1; k < size; k++) rest -= factor[(k * size) + i] * solution[k];
            solution[i] = rest / factor[(i * size) + i];
        }

        for (nint i = 0; i < size; i++) x[i] = (float)solution[i];
    }

    // Pivots are at least λ where K has no negative eigenvalue; rounding of K may say otherwise.
    private static void Factor(float* gram, double* factor, nint size, double regularization)
    {
        for (nint i = 0; i < size; i++)
        {
            double* row = factor + (i * size);
            for (nint j = 0; j < i; j++) row[j] = (gram[(i * size) + j] - Dot(row, factor + (j * size), j)) / factor[(j * size) + j];
            double pivot = gram[(i * size) + i] + regularization - Dot(row, row, i);
            row[i] = Math.Sqrt(Math.Max(pivot, regularization));
        }
    }

    private static double Dot(double* a, double* b, nint count)
    {
        double sum = 0;
        for (nint i = 0; i < count; i++) sum += a[i] * b[i];
        return sum;
    }
}
