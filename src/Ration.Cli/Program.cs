return Ration.Cli.Tool.Run(args);
