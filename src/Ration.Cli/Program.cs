Console.Error.WriteLine("ration: no command yet");
return 2;
