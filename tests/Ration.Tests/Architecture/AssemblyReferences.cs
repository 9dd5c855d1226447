using System.Reflection;
using System.Reflection.Emit;

namespace Ration.Tests.Architecture;

/// <summary>Which types of its own assembly a type mentions: in its declaration, in signatures and in the code of its methods.</summary>
internal static class AssemblyReferences
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> s_codes =
        typeof(OpCodes).GetFields().Select(static f => (OpCode)f.GetValue(null)!).ToDictionary(static c => c.Value);

    /// <summary>Every type of the same assembly that <paramref name="type"/> mentions.</summary>
    public static HashSet<Type> Of(Type type)
    {
        HashSet<Type> found = [];
        Add(found, type.BaseType);
        foreach (Type implemented in type.GetInterfaces()) Add(found, implemented);
        foreach (CustomAttributeData attribute in type.GetCustomAttributesData()) Add(found, attribute.AttributeType);
        foreach (Type parameter in type.GetGenericArguments().Where(static t => t.IsGenericParameter)) foreach (Type bound in parameter.GetGenericParameterConstraints()) Add(found, bound);
        foreach (FieldInfo field in type.GetFields(All)) Add(found, field.FieldType);
        foreach (PropertyInfo property in type.GetProperties(All)) Add(found, property.PropertyType);
        foreach (MethodBase method in type.GetMethods(All).Concat<MethodBase>(type.GetConstructors(All))) AddMethod(found, method);
        return [.. found.Where(t => t.Assembly == type.Assembly)];
    }

    private static void AddMethod(HashSet<Type> found, MethodBase method)
    {
        if (method is MethodInfo { ReturnType: { } result }) Add(found, result);
        foreach (ParameterInfo parameter in method.GetParameters()) Add(found, parameter.ParameterType);
        if (method.IsGenericMethodDefinition) foreach (Type parameter in method.GetGenericArguments()) foreach (Type bound in parameter.GetGenericParameterConstraints()) Add(found, bound);
        if (method.GetMethodBody() is not { } body) return;
        foreach (LocalVariableInfo local in body.LocalVariables) Add(found, local.LocalType);
        foreach (ExceptionHandlingClause clause in body.ExceptionHandlingClauses.Where(static c => c.Flags == ExceptionHandlingClauseOptions.Clause)) Add(found, clause.CatchType);
        Type[] typeArguments = method.DeclaringType!.GetGenericArguments(), methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : [];
        foreach (int token in Tokens(body.GetILAsByteArray()!))
        {
            switch (method.Module.ResolveMember(token, typeArguments, methodArguments))
            {
                case Type type: Add(found, type); break;
                case FieldInfo field: Add(found, field.DeclaringType); Add(found, field.FieldType); break;
                case MethodBase called:
                    Add(found, called.DeclaringType);
                    if (called is MethodInfo { ReturnType: { } returned }) Add(found, returned);
                    if (called.IsGenericMethod) foreach (Type argument in called.GetGenericArguments()) Add(found, argument);
                    break;
            }
        }
    }

    // Tokens of the types, methods and fields that the code names.
    private static IEnumerable<int> Tokens(byte[] code)
    {
        for (int at = 0; at < code.Length;)
        {
            short value = code[at] == 0xFE ? unchecked((short)(0xFE00 | code[at + 1])) : code[at];
            OpCode op = s_codes[value];
            at += op.Size;
            if (op.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok) yield return BitConverter.ToInt32(code, at);
            at += op.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    private static void Add(HashSet<Type> found, Type? type)
    {
        if (type is null || type.IsGenericParameter) return;
        if (type.IsFunctionPointer)
        {
            foreach (Type parameter in type.GetFunctionPointerParameterTypes().Append(type.GetFunctionPointerReturnType())) Add(found, parameter);
        }
        else if (type.HasElementType)
        {
            Add(found, type.GetElementType());
        }
        else if (type.IsConstructedGenericType)
        {
            found.Add(type.GetGenericTypeDefinition());
            foreach (Type argument in type.GenericTypeArguments) Add(found, argument);
        }
        else
        {
            found.Add(type);
        }
    }
}
