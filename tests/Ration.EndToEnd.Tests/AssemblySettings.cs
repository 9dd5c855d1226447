using Ration.EndToEnd.Tests.Support;

// Each test waits for processes that compute. Two at a time keep a small machine busy; more would only make them wait for each other.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
[assembly: AssemblyFixture(typeof(TrainedModel))]
