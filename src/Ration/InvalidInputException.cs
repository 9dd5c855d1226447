namespace Ration;

/// <summary>Something the user gave cannot be used. The message is one line: what was wrong, where, and how to mend it.</summary>
public class InvalidInputException : Exception
{
    /// <summary>A complaint in one line.</summary>
    public InvalidInputException(string message)
        : base(message)
    {
    }

    /// <summary>A complaint in one line, with its cause.</summary>
    public InvalidInputException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
