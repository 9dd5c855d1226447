namespace Ration.Benchmarks;

/// <summary>A rectangle in a drawing; y grows downward.</summary>
internal readonly record struct Box(double Left, double Top, double Width, double Height)
{
    /// <summary>The right edge.</summary>
    public double Right => Left + Width;

    /// <summary>The lower edge.</summary>
    public double Bottom => Top + Height;

    /// <summary>The middle.</summary>
    public (double X, double Y) Centre => (Left + (Width / 2), Top + (Height / 2));

    /// <summary>The area that two rectangles share.</summary>
    public double Overlap(Box other) =>
        Math.Max(0, Math.Min(Right, other.Right) - Math.Max(Left, other.Left)) * Math.Max(0, Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top));

    /// <summary>The place in the rectangle that is nearest to a point.</summary>
    public (double X, double Y) Nearest(double x, double y) => (Math.Clamp(x, Left, Right), Math.Clamp(y, Top, Bottom));

    /// <summary>Whether this holds all of another.</summary>
    public bool Contains(Box other) => other.Left >= Left && other.Right <= Right && other.Top >= Top && other.Bottom <= Bottom;
}

/// <summary>
/// Places names beside points so that they cover neither each other nor points, and the lines from points to names do not cross. Each name in turn takes
/// the best of some hundred places given all others, until none moves; the best of several orders counts.
/// </summary>
/// <param name="area">Where names may lie.</param>
/// <param name="points">The points that have names.</param>
/// <param name="obstacles">What else names must not cover.</param>
internal sealed class LabelPlacement(Box area, IReadOnlyList<(double X, double Y, double Width, double Height)> points, IReadOnlyList<Box> obstacles)
{
    private const int Directions = 24, Orders = 24, MostSweeps = 40;
    private const double PointRadius = 6, Margin = 2, OverlapPrice = 40, PointPrice = 60, CrossingPrice = 900, ObstaclePrice = 25;
    private static readonly double[] s_distances = [9, 16, 24, 34, 46, 60, 76, 94, 114, 136];

    /// <summary>Places all names.</summary>
    /// <returns>The rectangle of each.</returns>
    public Box[] Place()
    {
        Box[][] candidates = [.. points.Select(p => Candidates(p).ToArray())];
        Random random = new(1);
        Box[] best = [];
        double least = double.MaxValue;
        for (int order = 0; order < Orders; order++)
        {
            int[] turns = [.. Enumerable.Range(0, points.Count)];
            random.Shuffle(turns);
            Box[] places = [.. candidates.Select(static c => c[0])];
            for (int sweep = 0; sweep < MostSweeps && Sweep(turns, candidates, places); sweep++) { }

            double cost = turns.Sum(i => Cost(i, places[i], places));
            if (cost < least) (least, best) = (cost, places);
        }

        return best;
    }

    private bool Sweep(int[] turns, Box[][] candidates, Box[] places)
    {
        bool moved = false;
        foreach (int i in turns)
        {
            Box better = candidates[i].MinBy(c => Cost(i, c, places));
            moved |= better != places[i];
            places[i] = better;
        }

        return moved;
    }

    private IEnumerable<Box> Candidates((double X, double Y, double Width, double Height) point)
    {
        foreach (double distance in s_distances)
        {
            for (int direction = 0; direction < Directions; direction++)
            {
                (double sine, double cosine) = Math.SinCos(2 * Math.PI * direction / Directions);
                double x = point.X + (distance * cosine) + (point.Width / 2 * (Math.Clamp(1.6 * cosine, -1, 1) - 1)),
                    y = point.Y + (distance * sine) + (point.Height / 2 * (Math.Clamp(1.6 * sine, -1, 1) - 1));
                Box box = new(x, y, point.Width, point.Height);
                if (area.Contains(box)) yield return box;
            }
        }
    }

    private double Cost(int i, Box box, Box[] places)
    {
        (double x, double y, _, _) = points[i];
        (double X, double Y) end = box.Nearest(x, y);
        Box wide = new(box.Left - Margin, box.Top, box.Width + (2 * Margin), box.Height);
        double length = Math.Sqrt(((end.X - x) * (end.X - x)) + ((end.Y - y) * (end.Y - y))), cost = length * length / 40;
        // Straight beside, above or below reads better than aslant.
        cost += Math.Abs((box.Centre.X - x) * (box.Centre.Y - y)) / 500;
        foreach (Box obstacle in obstacles)
            cost += (OverlapPrice * Math.Sqrt(wide.Overlap(obstacle))) + (length > PointRadius && Crosses((x, y), end, obstacle) ? ObstaclePrice : 0);

        for (int j = 0; j < points.Count; j++)
        {
            (double px, double py, _, _) = points[j];
            Box dot = new(px - PointRadius, py - PointRadius, 2 * PointRadius, 2 * PointRadius);
            cost += PointPrice * Math.Sqrt(wide.Overlap(dot));
            if (j == i) continue;
            if (length > PointRadius && Crosses((x, y), end, dot)) cost += CrossingPrice / 3;
            (double X, double Y) other = places[j].Nearest(px, py);
            cost += (OverlapPrice * Math.Sqrt(wide.Overlap(places[j]))) + (Intersect((x, y), end, (px, py), other) ? CrossingPrice : 0);
            if (Crosses((px, py), other, box) || Crosses((x, y), end, places[j])) cost += CrossingPrice;
        }

        return cost;
    }

    private static bool Crosses((double X, double Y) from, (double X, double Y) to, Box box) =>
        Intersect(from, to, (box.Left, box.Top), (box.Right, box.Bottom)) || Intersect(from, to, (box.Right, box.Top), (box.Left, box.Bottom));

    private static bool Intersect((double X, double Y) a, (double X, double Y) b, (double X, double Y) c, (double X, double Y) d)
    {
        static double Turn((double X, double Y) p, (double X, double Y) q, (double X, double Y) r) => ((q.X - p.X) * (r.Y - p.Y)) - ((q.Y - p.Y) * (r.X - p.X));
        return Turn(a, b, c) * Turn(a, b, d) < 0 && Turn(c, d, a) * Turn(c, d, b) < 0;
    }
}
